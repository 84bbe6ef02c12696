#include "host_port.hpp"

#include "../input.hpp"
#include "../output.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

constexpr std::size_t kLongestHost = 255;

[[noreturn]] void refuse(const std::string& text, const std::string& why)
{
    throw InputError("\"" + printable(text, kLongestHost) + "\" " + why
                     + ": write HOST or HOST:PORT, and an IPv6 address in brackets, [2001:db8::1]:443");
}

unsigned port_of(const std::string& digits, const std::string& text)
{
    constexpr unsigned long kLargestPort = 65535;
    const bool number = !digits.empty() && digits.size() <= 5
                        && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    const unsigned long port = number ? std::stoul(digits) : 0;
    if (port == 0 || port > kLargestPort) {
        refuse(text, "has no port from 1 to 65535");
    }
    return static_cast<unsigned>(port);
}

bool in_a_name(char c)
{
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f && std::string("/@?#\\[]").find(c) == std::string::npos;
}

}  // namespace

std::string HostPort::text() const
{
    const bool address_6 = host.find(':') != std::string::npos;
    return (address_6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

HostPort parse_host_port(const std::string& text, unsigned default_port)
{
    std::string host = text;
    std::string rest;
    if (!text.empty() && text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end == std::string::npos) {
            refuse(text, "has no closing bracket");
        }
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else if (const std::size_t colon = text.find(':'); colon != std::string::npos) {
        if (text.find(':', colon + 1) != std::string::npos) {
            refuse(text, "has more than one colon");
        }
        host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (host.empty() || host.size() > kLongestHost || !std::all_of(host.begin(), host.end(), in_a_name)) {
        refuse(text, "names no host");
    }
    if (rest.empty()) {
        return {host, default_port};
    }
    if (rest.front() != ':') {
        refuse(text, "has something between its bracket and its port");
    }
    return {host, port_of(rest.substr(1), text)};
}

}  // namespace hpkp::cli
