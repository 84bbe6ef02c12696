#include "test_crossed.hpp"

namespace hpkp::test {

namespace {

template <typename Change>
CertOptions changed(CertOptions options, Change change)
{
    change(options);
    return options;
}

CertOptions of_host()
{
    return changed({}, [](auto& o) { o.names = {"www.example.com"}; });
}

CertOptions to_come()
{
    return changed(authority(), [](auto& o) { o.not_before = kNow + 1; });
}

CertOptions constrained(const std::string& constraints)
{
    return changed(authority(), [&](auto& o) { o.name_constraints = constraints; });
}

}  // namespace

Crossed::Crossed()
{
    const Entity a("Root A"), b("Root B"), i("Intermediate");
    const Entity www("www.example.com"), rsa_www("www.example.com", KeyType::rsa);
    const auto add = [this](const std::string& label, const Entity& subject, const Entity& issuer,
                            CertOptions options) {
        options.key_identifiers = label != "leaf by itself";
        certificates.emplace(label, labels.add(label, certify(subject, issuer, options)));
    };
    add("A", a, a, authority());
    add("B", b, b, authority());
    add("A by B", a, b, authority());
    add("B by A", b, a, authority());
    add("I by A", i, a, authority());
    add("I by B", i, b, authority());
    add("leaf", www, i, of_host());
    add("RSA leaf", rsa_www, i, of_host());

    add("A renewed", a, a, authority());
    add("A expired", a, a, authority_until(kNow - 1));
    add("A to come", a, a, to_come());
    add("A by B, expired", a, b, authority_until(kNow - 1));
    add("I by B, to come", i, b, to_come());
    add("I by B, for example.org", i, b, constrained("critical,permitted;DNS:example.org"));
    add("I by A, for example.com", i, a, constrained("critical,permitted;DNS:example.com"));
    add("A by B, not for example.com", a, b, constrained("critical,excluded;DNS:example.com"));
    add("I by A, with SHA-1", i, a, changed(authority(), [](auto& o) { o.sha1 = true; }));
    add("I by A, not to sign", i, a, changed(authority(), [](auto& o) { o.key_usage = "cRLSign"; }));
    add("I by A, for clients", i, a, changed(authority(), [](auto& o) { o.extended_key_usage = "clientAuth"; }));
    add("I by A, no authority", i, a, CertOptions{});
    add("A by B, with nothing below", a, b,
        changed(authority(), [](auto& o) { o.basic_constraints = "critical,CA:TRUE,pathlen:0"; }));
    add("leaf for clients", www, i, changed(of_host(), [](auto& o) { o.extended_key_usage = "clientAuth"; }));
    add("weak leaf", Entity("www.example.com", KeyType::rsa1024), i, of_host());
    add("expired leaf", www, i, changed(of_host(), [](auto& o) { o.not_after = kNow - 1; }));
    add("leaf by itself", www, www, of_host());

    // A's new key, signed with the old one and the other way round; and the old key under another name.
    const Entity new_a("Root A"), a2("Root A, renamed", a);
    add("new A", new_a, new_a, authority());
    add("new A by A", new_a, a, authority());
    add("A by new A", a, new_a, authority());
    add("leaf by new A", www, new_a, of_host());
    add("A2", a2, a2, authority());
    add("A by A2", a, a2, authority());
}

std::vector<Certificate> Crossed::of(const std::vector<std::string>& wanted) const
{
    std::vector<Certificate> all;
    for (const std::string& label : wanted) {
        all.push_back(certificates.at(label));
    }
    return all;
}

const Crossed& crossed()
{
    static const Crossed pki;
    return pki;
}

}  // namespace hpkp::test
