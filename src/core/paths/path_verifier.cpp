#include "path_verifier.hpp"

#include "openssl_errors.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <new>

namespace hpkp {

namespace {

/// 1970 to 9999: OpenSSL takes a certificate's dates for malformed where the clock is beyond what they can hold.
constexpr std::time_t kFirstTime = 0;
constexpr std::time_t kLastTime = 253402300799;

using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;

/// What OpenSSL's callbacks see and leave.
struct Verification {
    const Path* path = nullptr;
    std::time_t now = 0;
    X509_STORE_CTX_verify_fn check_signatures = nullptr;  // OpenSSL's own
    int error = X509_V_OK;                                // the first that is not a date's
    int error_depth = 0;
    int date_error = X509_V_OK;  // the first
    int date_depth = 0;
};

Verification& verification_of(X509_STORE_CTX* context)
{
    return *static_cast<Verification*>(X509_STORE_CTX_get_app_data(context));
}

bool is_date_error(int error)
{
    return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

/// Notes every error; passes over those of dates, so that whatever else is wrong comes to light.
int on_error(int good, X509_STORE_CTX* context)
{
    if (good != 0) {
        return 1;
    }
    Verification& verification = verification_of(context);
    const int error = X509_STORE_CTX_get_error(context);
    const int depth = X509_STORE_CTX_get_error_depth(context);
    if (!is_date_error(error)) {
        verification.error = error;
        verification.error_depth = depth;
        return 0;
    }
    const auto length = static_cast<int>(verification.path->certificates.size());
    const bool expired_anchor = error == X509_V_ERR_CERT_HAS_EXPIRED && depth > 0 && depth == length - 1;
    if (!expired_anchor && verification.date_error == X509_V_OK) {
        verification.date_error = error;
        verification.date_depth = depth;
    }
    return 1;
}

/// The chain that OpenSSL built is the path, as far as it goes: where an error stopped it, it is shorter.
bool built_along(X509_STORE_CTX* context, const Path& path)
{
    const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context);
    if (sk_X509_num(built) > static_cast<int>(path.certificates.size())) {
        return false;
    }
    for (int i = 0; i < sk_X509_num(built); i++) {
        const X509* meant = path.certificates[static_cast<std::size_t>(i)].get();
        if (sk_X509_value(built, i) != meant && X509_cmp(sk_X509_value(built, i), meant) != 0) {
            return false;
        }
    }
    return true;
}

bool built_as_meant(X509_STORE_CTX* context, const Path& path)
{
    const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context);
    return sk_X509_num(built) == static_cast<int>(path.certificates.size()) && built_along(context, path);
}

/// OpenSSL's step that checks signatures and dates. The signatures of a path are verified when it is found, by OpenSSL
/// too, each once in a load and not once for each path and server. So this step has something left to do only where the
/// chain is not the path, an issuer is in doubt, or a date is wrong.
int check_what_is_left(X509_STORE_CTX* context)
{
    const Verification& verification = verification_of(context);
    const auto& certificates = verification.path->certificates;
    const bool done = verification.path->doubt.empty() && built_as_meant(context, *verification.path)
                      && std::all_of(certificates.begin(), certificates.end(),
                                     [&](const Certificate& c) { return c.valid_at(verification.now); });
    return done ? 1 : verification.check_signatures(context);
}

int default_security_level()
{
    const SslContextPtr fresh(SSL_CTX_new(TLS_client_method()));
    if (!fresh) {
        throw std::bad_alloc();
    }
    return SSL_CTX_get_security_level(fresh.get());
}

std::string reason_text(const Path& path, int error, int depth)
{
    const auto at = static_cast<std::size_t>(std::max(depth, 0));
    const Certificate& certificate = at < path.certificates.size() ? path.certificates[at] : path.certificates.back();
    return certificate.short_name() + ": " + X509_verify_cert_error_string(error);
}

}  // namespace

PathVerifier::PathVerifier(std::time_t now)
    : context_(X509_STORE_CTX_new()), intermediates_(sk_X509_new_null()), anchor_(sk_X509_new_null()),
      now_(std::clamp(now, kFirstTime, kLastTime)), security_level_(default_security_level())
{
    if (!context_ || !intermediates_ || !anchor_) {
        throw std::bad_alloc();
    }
}

void PathVerifier::verify(Path& path)
{
    // Not every want of memory is told: a "no" has to be said twice.
    const bool in_doubt = path.in_doubt;
    verify_once(path);
    if (path.state == Path::State::invalid) {
        path.in_doubt = in_doubt;
        verify_once(path);
    }
}

void PathVerifier::verify_once(Path& path)
{
    const auto& certificates = path.certificates;
    sk_X509_zero(intermediates_.get());
    sk_X509_zero(anchor_.get());
    bool pushed = sk_X509_push(anchor_.get(), certificates.back().get()) > 0;
    for (std::size_t i = 1; i + 1 < certificates.size(); i++) {
        pushed = pushed && sk_X509_push(intermediates_.get(), certificates[i].get()) > 0;
    }
    X509_STORE_CTX* context = context_.get();
    if (!pushed || X509_STORE_CTX_init(context, nullptr, certificates.front().get(), intermediates_.get()) != 1
        || X509_STORE_CTX_set_default(context, "ssl_server") != 1) {
        throw std::bad_alloc();
    }
    X509_STORE_CTX_set0_trusted_stack(context, anchor_.get());
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_auth_level(parameters, security_level_);
    X509_VERIFY_PARAM_set_time(parameters, now_);

    Verification verification;
    verification.path = &path;
    verification.now = now_;
    verification.check_signatures = X509_STORE_CTX_get_verify(context);
    if (X509_STORE_CTX_set_app_data(context, &verification) != 1) {
        throw std::bad_alloc();
    }
    X509_STORE_CTX_set_verify_cb(context, on_error);
    X509_STORE_CTX_set_verify(context, check_what_is_left);

    const int result = X509_verify_cert(context);
    if (result <= 0 && verification.error == X509_V_OK) {
        verification.error = X509_STORE_CTX_get_error(context);
        verification.error_depth = X509_STORE_CTX_get_error_depth(context);
    }
    const bool as_meant = built_as_meant(context, path);
    const bool along = built_along(context, path);
    X509_STORE_CTX_cleanup(context);
    if (verification.error == X509_V_ERR_OUT_OF_MEM) {
        ERR_clear_error();
        throw std::bad_alloc();
    }
    clear_errors_of_a_no();
    if (result <= 0 || !as_meant) {
        path.state = Path::State::invalid;
        // An error of another chain says nothing about this one.
        path.reason = !path.doubt.empty() && !as_meant ? path.doubt
                      : along && result <= 0           ? reason_text(path, verification.error, verification.error_depth)
                                                       : "OpenSSL builds another chain from these certificates";
        // Its signatures were verified one by one, up to an anchor: OpenSSL has taken one name for another's.
        path.in_doubt = path.in_doubt || !along || result > 0 || verification.error == X509_V_ERR_CERT_SIGNATURE_FAILURE
                        || verification.error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
                        || verification.error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    } else if (verification.date_error != X509_V_OK) {
        path.state = Path::State::outdated;
        path.reason = reason_text(path, verification.date_error, verification.date_depth);
    } else {
        path.state = Path::State::valid;
        path.reason.clear();
    }
}

}  // namespace hpkp
