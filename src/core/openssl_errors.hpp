// OpenSSL says "no" of a signature, a key or a chain that it had no memory to look at. Taken at its word, a path would
// be missing, and what does not match it accepted.
#pragma once

#include <openssl/err.h>

#include <new>

namespace hpkp {

/// Empties OpenSSL's error queue. Throws std::bad_alloc if one of the errors is that there was no memory.
inline void clear_errors_of_a_no()
{
    bool out_of_memory = false;
    while (const unsigned long error = ERR_get_error()) {
        out_of_memory = out_of_memory || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    }
    if (out_of_memory) {
        throw std::bad_alloc();
    }
}

}  // namespace hpkp
