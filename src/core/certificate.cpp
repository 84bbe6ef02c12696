#include "certificate.hpp"

#include "host_name.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <new>

namespace hpkp {

namespace {

std::string text_of(const ASN1_STRING* value)
{
    unsigned char* utf8 = nullptr;
    const int length = ASN1_STRING_to_UTF8(&utf8, value);
    if (length < 0) {
        return "";
    }
    const OpensslBytes owned(utf8);
    return std::string(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(length));
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// A qualified host name or a wildcard for one, and no title or product name.
bool is_host_name(const std::string& name)
{
    return name.find('.') != std::string::npos && std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '*';
           });
}

std::string entry(const X509_NAME* name, int nid)
{
    const int at = X509_NAME_get_index_by_NID(name, nid, -1);
    return at < 0 ? "" : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

/// RFC 5280 4.1.2.5: "YYMMDDHHMMSSZ" or "YYYYMMDDHHMMSSZ". OpenSSL takes no other form in a certificate.
std::optional<std::time_t> seconds_of(const ASN1_TIME* time)
{
    const int length = ASN1_STRING_length(time);
    const bool of_form = length == (ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 13 : 15)
                         && ASN1_STRING_get0_data(time)[length - 1] == 'Z';
    std::tm broken_down{};
    if (!of_form || ASN1_TIME_to_tm(time, &broken_down) != 1) {
        return std::nullopt;
    }
    return ::timegm(&broken_down);
}

/// OpenSSL leaves a certificate without its key where it does not know that kind of key, and, without a word, where it
/// had no memory to decode it. Then nothing that it has issued could be proved.
bool lost_its_key(X509* x509)
{
    if (X509_get0_pubkey(x509) != nullptr) {
        return false;
    }
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    const OpensslBytes owned(der);
    const unsigned char* at = der;
    const KeyPtr key(length <= 0 ? nullptr : d2i_PUBKEY(nullptr, &at, length));
    ERR_clear_error();
    return key != nullptr;
}

}  // namespace

Certificate::Certificate(X509* x509)
{
    if (lost_its_key(x509)) {
        throw std::bad_alloc();
    }
    auto data = std::make_shared<Data>();
    if (X509_up_ref(x509) != 1) {
        throw std::bad_alloc();
    }
    data->x509.reset(x509);
    if (X509_digest(x509, EVP_sha256(), data->fingerprint.data(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    data->pin = Pin::of_spki(X509_get_X509_PUBKEY(x509));
    data->not_before = seconds_of(X509_get0_notBefore(x509));
    data->not_after = seconds_of(X509_get0_notAfter(x509));
    data_ = std::move(data);
}

std::string Certificate::short_name() const
{
    const X509_NAME* subject = X509_get_subject_name(get());
    std::string name = entry(subject, NID_commonName);
    if (name.empty()) {
        const auto names = dns_names();
        name = names.empty() ? entry(subject, NID_organizationName) : names.front();
    }
    if (name.empty()) {
        return "(no name)";
    }
    constexpr std::size_t kMaxLength = 64;
    if (name.size() > kMaxLength) {
        name.resize(kMaxLength - 3);
        name += "...";
    }
    return name;
}

bool Certificate::self_issued() const
{
    return X509_NAME_cmp(X509_get_subject_name(get()), X509_get_issuer_name(get())) == 0;
}

bool Certificate::valid_at(std::time_t now) const
{
    return !not_yet_valid_at(now) && data_->not_after && *data_->not_after > now;
}

bool Certificate::not_yet_valid_at(std::time_t now) const
{
    return !data_->not_before || *data_->not_before > now;
}

std::vector<std::string> Certificate::dns_names() const
{
    std::vector<std::string> names;
    const GeneralNamesPtr general(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(get(), NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(general.get()); i++) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(general.get(), i);
        if (name->type != GEN_DNS) {
            continue;
        }
        names.push_back(lower(text_of(name->d.dNSName)));
    }
    const X509_NAME* subject = X509_get_subject_name(get());
    if (names.empty()) {
        for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
            const std::string name = lower(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
            if (is_host_name(name)) {
                names.push_back(name);
            }
        }
    }
    return names;
}

bool Certificate::covers(const std::string& host) const
{
    if (is_ip_address(host)) {
        return X509_check_ip_asc(get(), host.c_str(), 0) == 1;
    }
    return X509_check_host(get(), host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace hpkp
