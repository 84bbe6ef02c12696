#include "certificate_pool.hpp"

#include <new>

namespace hpkp {

Certificate CertificatePool::get(X509* x509)
{
    unsigned char* der = nullptr;
    const int length = i2d_X509(x509, &der);
    if (length <= 0) {
        throw std::bad_alloc();
    }
    const OpensslBytes owned(der);
    std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(length));

    const auto known = by_der_.find(bytes);
    return known != by_der_.end() ? known->second : by_der_.emplace(std::move(bytes), Certificate(x509)).first->second;
}

}  // namespace hpkp
