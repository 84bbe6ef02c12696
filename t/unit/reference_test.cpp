#include "reference/reference.hpp"

#include <gtest/gtest.h>

using namespace hpkp::cli;
using ::testing::Test;

namespace {

/// A program that has what the real one may have some day.
struct Reference : Test {
    CLI::App program{"Keys and pins\n.hidden: it's a \\ of words", "tool"};
    CLI::App* look = program.add_subcommand(
        "look", "SPKI of what is given\n\nA second paragraph.\n  verbatim -x\n\n  more\nAfter it.");
    CLI::App* book = program.add_subcommand("book", "A book to look into.");
    CLI::App* page = book->add_subcommand("page", "A page of it");
    std::string value;
    std::vector<std::string> values;
    bool flag = false;

    Reference()
    {
        program.set_version_flag("--version", "tool 1.2");
        look->add_option("FILE", values, "What to look at")->required();
        look->add_option("-t,--to", value, "The form of it")->check(CLI::IsMember({"one", "two"}))->required();
        look->add_option("--many", values, "Several")->type_name("PIN");
        look->add_flag("--all", flag, "All of it");
        look->add_option("--secret", value, "Nobody's business")->group("");
        look->footer("Example:\n  tool look 'x'");
        page->add_option("--at", value, "Where")->default_str("end");
    }

    std::string look_page() const { return man_page(program, look); }
};

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

TEST_F(Reference, NameKeepsAcronyms)
{
    EXPECT_TRUE(has(look_page(), "\n.SH NAME\ntool\\-look \\- SPKI of what is given\n"));
    EXPECT_TRUE(has(man_page(program, nullptr), "\n.SH NAME\ntool \\- keys and pins\n"));
    EXPECT_TRUE(has(man_page(program, book), "\n.SH NAME\ntool\\-book \\- a book to look into.\n"));
    EXPECT_TRUE(has(look_page(), "\n.TH TOOL\\-LOOK 1 \"\" \"tool 1.2\""));
}

TEST_F(Reference, SynopsisHasWhatMustBeGiven)
{
    EXPECT_TRUE(has(look_page(),
                    "\\fBtool look\\fR \\fIFILE\\fR ... \\fB\\-t\\fR, \\fB\\-\\-to\\fR \\fBone\\fR|\\fBtwo\\fR "
                    "[\\fIOPTION\\fR ...]\n"))
        << look_page();
    EXPECT_TRUE(has(man_page(program, nullptr), "\\fBtool\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR ...]\n"));
}

TEST_F(Reference, TextIsNoTroff)
{
    const std::string page = man_page(program, nullptr);
    EXPECT_TRUE(has(page, "\n\\&.hidden: it\\(aqs a \\e of words\n")) << page;
    EXPECT_FALSE(has(page, "\n.hidden"));
}

TEST_F(Reference, ParagraphsAndExamples)
{
    EXPECT_TRUE(has(look_page(),
                    ".SH DESCRIPTION\nSPKI of what is given.\n.PP\nA second paragraph.\n.PP\n.EX\n  verbatim \\-x\n\n"
                    "  more\n.EE\n.PP\nAfter it.\n.PP\nExample:\n.PP\n.EX\n  tool look \\(aqx\\(aq\n.EE\n"))
        << look_page();
    EXPECT_TRUE(has(man_page(program, book), ".SH DESCRIPTION\nA book to look into.\n.SH"));
}

TEST_F(Reference, ListsAndBrokenLines)
{
    look->footer("Forms:\n  one    the first\n  ten-four the .last\n\nThat is all.");
    look->get_option("--to")->description("What:\n.this\nor that");
    EXPECT_TRUE(
        has(look_page(),
            ".PP\nForms:\n.TP\n\\fBone\\fR\nthe first\n.TP\n\\fBten\\-four\\fR\nthe .last\n.PP\nThat is all.\n"))
        << look_page();
    EXPECT_TRUE(has(look_page(), "\nWhat:\n.br\n\\&.this\n.br\nor that (required)\n")) << look_page();
}

TEST_F(Reference, OptionsAsInHelp)
{
    EXPECT_TRUE(has(look_page(), ".TP\n\\fB\\-\\-many\\fR \\fIPIN\\fR ...\nSeveral\n"));
    EXPECT_TRUE(has(look_page(), ".TP\n\\fB\\-\\-all\\fR\nAll of it\n"));
    EXPECT_FALSE(has(look_page(), "secret"));
}

TEST_F(Reference, HelpIsThePageWithoutItsTypefaces)
{
    look->get_option("--to")->description("The form:\none or two");
    EXPECT_EQ(help(*look), "SPKI of what is given\n\nA second paragraph.\n  verbatim -x\n\n  more\nAfter it.\n\n"
                           "Usage: tool look FILE ... -t, --to one|two [OPTION ...]\n\n"
                           "Arguments:\n"
                           "  FILE                        What to look at\n\n"
                           "Options:\n"
                           "  -h, --help                  Print this help message and exit\n"
                           "  -t, --to one|two            The form:\n"
                           "                              one or two (required)\n"
                           "  --many PIN ...              Several\n"
                           "  --all                       All of it\n\n"
                           "Example:\n  tool look 'x'\n");
    EXPECT_TRUE(has(help(program), "\nUsage: tool COMMAND [OPTION ...]\n\nCommands:\n"
                                   "  look                        SPKI of what is given\n"
                                   "  book                        A book to look into.\n\nOptions:\n"));
    EXPECT_TRUE(has(help(*page), "\n  --at TEXT                   Where (default: end)\n"));
}

TEST_F(Reference, ALongTermHasItsOwnLine)
{
    look->get_option("--many")->type_name("MORE_THAN_A_COLUMN_HOLDS");
    EXPECT_TRUE(has(help(*look), "\n  --many MORE_THAN_A_COLUMN_HOLDS ...\n                              Several\n"));
}

TEST_F(Reference, CommandsBelow)
{
    const std::string whole = man_page(program, nullptr);
    EXPECT_TRUE(has(whole, "\\fBtool\\-look\\fR(1)"));
    EXPECT_FALSE(has(whole, "tool book page"));
    EXPECT_TRUE(has(man_page(program, book),
                    ".SS tool book page\n\\fBtool book page\\fR [\\fIOPTION\\fR ...]\n.PP\nA page of it.\n"));
    EXPECT_TRUE(has(man_page(program, book), "\\fB\\-\\-at\\fR \\fITEXT\\fR\nWhere (default: end)\n"));
}

TEST_F(Reference, CompletionKnowsTheSame)
{
    const std::string script = bash_completion(program);
    EXPECT_TRUE(has(script, "'tool look --to') words='one two' ;;")) << script;
    EXPECT_TRUE(has(script, "'tool look -t') words='one two' ;;"));
    EXPECT_TRUE(has(script, "'tool look') options='--all --help --many --to -h -t' words='' ;;"));
    EXPECT_TRUE(has(script, "'tool') options='--help --version -h' words='look book' ;;"));
    EXPECT_TRUE(has(script, "'tool book page --at'"));
    EXPECT_FALSE(has(script, "--secret"));
    EXPECT_FALSE(has(script, "'tool look --all' |"));
    EXPECT_FALSE(has(script, "@PROGRAM@") || has(script, "@STEPS@") || has(script, "@WORDS@"));
}

}  // namespace
