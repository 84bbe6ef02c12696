// The bytes of a certificate, request or key file, PEM or DER. The first byte says how the rest is wrapped, since
// mutations seldom get through base64: 0 not at all, else as a PEM block of the kind below, twice where bit 3 is set.
#include "../unit/test_pki.hpp"
#include "check.hpp"

#include "chain.hpp"
#include "pem.hpp"
#include "pin_source.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdint>
#include <fstream>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr const char* kLabels[] = {
    "",
    "CERTIFICATE",
    "CERTIFICATE REQUEST",
    "PUBLIC KEY",
    "PRIVATE KEY",
    "EC PRIVATE KEY",
    "TRUSTED CERTIFICATE",
    "RSA PRIVATE KEY",
};

std::string block(const char* label, const std::string& bytes)
{
    std::string base64(bytes.size() / 3 * 4 + 5, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    base64.resize(static_cast<std::size_t>(length));
    std::string text = std::string("-----BEGIN ") + label + "-----\n";
    for (std::size_t i = 0; i < base64.size(); i += 64) {
        text += base64.substr(i, 64) + "\n";
    }
    return text + "-----END " + label + "-----\n";
}

void check_certificate(const Certificate& certificate)
{
    FUZZ_CHECK(!certificate.short_name().empty() && certificate.short_name().size() <= 64);
    FUZZ_CHECK(!certificate.valid_at(kNow) || !certificate.not_yet_valid_at(kNow));
    FUZZ_CHECK(certificate.not_before() || !certificate.valid_at(kNow));
    for (const std::string& name : certificate.dns_names()) {
        certificate.covers(name);
    }
    certificate.self_issued();
    ERR_clear_error();

    // The same again from what it is written as.
    std::string error;
    const auto again = read_pem_certificates(pem(certificate), error);
    FUZZ_CHECK_SHOWN(again.size() == 1 && again.front() == certificate, error);
    FUZZ_CHECK(again.front().pin() == certificate.pin());
    FUZZ_CHECK(again.front().not_before() == certificate.not_before());
    FUZZ_CHECK(again.front().not_after() == certificate.not_after());
}

std::optional<Pin> check_source(PinSourceKind kind, const std::string& path)
{
    const PinSource source = read_pin_source(kind, path);
    FUZZ_CHECK(source.pin.has_value() == source.error.empty());
    FUZZ_CHECK(source.error.empty() == source.remedy.empty());
    FUZZ_CHECK(ERR_peek_error() == 0);
    return source.pin;
}

/// What reads a file whole and what reads its first certificate agree. OpenSSL's TRUSTED CERTIFICATE is for stores and
/// servers: a policy's "certificate:" does not take it.
void check_agreement(const std::vector<Certificate>& certificates, const std::optional<Pin>& first)
{
    if (!certificates.empty() && first) {
        FUZZ_CHECK(certificates.front().pin() == first);
    }
    if (!certificates.empty() && certificates.front().pin()) {
        FUZZ_CHECK(first.has_value());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const TempDir dir;
    static const std::string path = dir / "file";
    if (size == 0) {
        return -1;
    }
    std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (const char* label = kLabels[data[0] & 7]; *label != '\0') {
        bytes = block(label, bytes);
        bytes += (data[0] & 8) != 0 ? bytes : "";
    }
    std::ofstream(path, std::ios::binary) << bytes;

    std::string error;
    const std::vector<Certificate> certificates = read_pem_certificates(bytes, error);
    FUZZ_CHECK(certificates.empty() != error.empty());
    FUZZ_CHECK(ERR_peek_error() == 0);
    for (const Certificate& certificate : certificates) {
        check_certificate(certificate);
    }

    std::string chain_error;
    const std::vector<Chain> chains = read_chain_file(path, chain_error);
    FUZZ_CHECK(chain_error == error);
    FUZZ_CHECK(chains.empty() ? certificates.empty() : chains.front().sent == certificates);

    const auto first = check_source(PinSourceKind::certificate, path);
    if (bytes.find("TRUSTED CERTIFICATE") == std::string::npos) {
        check_agreement(certificates, first);
    }
    const auto request = check_source(PinSourceKind::csr, path);
    const auto key = check_source(PinSourceKind::public_key, path);
    FUZZ_CHECK(!request || !key || (data[0] & 7) == 0);  // a block is one thing

    constexpr std::size_t kBlocks = 8;
    FUZZ_CHECK(private_key_pins(bytes, kBlocks).size() <= kBlocks);
    FUZZ_CHECK(ERR_peek_error() == 0);
    return 0;
}
