#include "test_exports.hpp"

#include "input.hpp"
#include "policy_reader.hpp"

#include <algorithm>

namespace hpkp::test {

namespace {

std::string lines(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts) {
        all += text + "\n";
    }
    return all;
}

}  // namespace

void ExportsTest::policy(const std::vector<std::string>& pins, const std::vector<std::string>& modes)
{
    PolicyText text;
    text.pins = pins;
    text.modes = modes;
    // Of the chains here, none is of the system's bundle.
    const std::string store = dir.write("roots.pem", pem(std::vector<Certificate>{pki().root, pki().other_root}));
    Findings findings;
    file = read_policy_file(dir.write("pins.yaml", policy_file({text}, {{"test", store}})), kNow, findings);
    ASSERT_EQ(count(findings, Severity::error), 0U) << text_of(findings.front());
}

std::string ExportsTest::chain_file(const std::string& name, const std::vector<Certificate>& sent)
{
    return dir.write(name, pem(sent));
}

std::string ExportsTest::to(const std::string& name)
{
    const auto& formats = cli::export_formats();
    const auto format = std::find_if(formats.begin(), formats.end(),
                                     [&](const cli::ExportFormat& candidate) { return name == candidate.name; });
    remarks = {};
    const Policy& policy = file->policies.front();
    const cli::ServedChains served(chains, policy, request.now);
    exported = cli::make_export(policy, request, *format, served, remarks);
    return cli::judged_text(*format, served, exported, remarks);
}

std::string ExportsTest::refusal(const std::string& format)
{
    try {
        to(format);
    }
    catch (const cli::InputError& error) {
        return std::string("usage: ") + error.what();
    }
    return lines(remarks.errors);
}

std::string ExportsTest::notes() const
{
    return lines(remarks.notes);
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace hpkp::test
