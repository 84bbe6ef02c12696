#include "pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <new>

namespace hpkp {

std::vector<Certificate> read_pem_certificates(const std::string& text, std::string& error)
{
    const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) {
        throw std::bad_alloc();
    }
    std::vector<Certificate> certificates;
    for (;;) {
        const X509Ptr certificate(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
        if (!certificate) {
            break;
        }
        certificates.emplace_back(certificate.get());
    }
    const unsigned long last = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    ERR_clear_error();

    if (!at_end) {
        error = "has a certificate that cannot be read, number " + std::to_string(certificates.size() + 1);
        return {};
    }
    if (certificates.empty()) {
        error = "holds no PEM certificate";
    }
    return certificates;
}

}  // namespace hpkp
