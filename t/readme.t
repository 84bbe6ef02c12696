# README.md against the code: every directive with its contexts, every variable, every finding with its severity; nothing
# in one that is not in the other.

use lib 't/lib';
use HPKP::Test;

my $root = project_root();
my $readme = read_text(need_file("$root/README.md"));

sub readme_directives {
    my %contexts;

    while ($readme =~ /^### `?(hpkp_\w+)`?\n(.*?)(?=^#{1,3} |\z)/msg) {
        my ($name, $text) = ($1, $2);
        my ($context) = $text =~ /\*\*Context:\*\*\s*(.+)/;
        $contexts{$name} = join ' ', sort split /[,\s]+/, $context // '';
        like($text, qr/\*\*Syntax:\*\*.*\b$name\b/, "$name has a syntax");
        like($text, qr/\*\*Default:\*\*\s*\S/, "$name has a default");
    }
    return \%contexts;
}

sub code_directives {
    my %word = (MAIN => 'http', SRV => 'server', LOC => 'location', SIF => 'server-if', LIF => 'location-if');
    my $code = read_text("$root/src/nginx/ngx_http_hpkp_module.c");
    my %contexts;

    while ($code =~ /\{\s*ngx_string\("(hpkp_\w+)"\),\s*([A-Z0-9_|\s]+?)\s*,/g) {
        my ($name, $flags) = ($1, $2);
        $contexts{$name} = join ' ', sort map { $word{$_} || $_ } $flags =~ /NGX_HTTP_(\w+?)_CONF/g;
    }
    return \%contexts;
}

sub readme_variables {
    my ($section) = $readme =~ /^### Variables\n(.*?)(?=^#{1,3} |\z)/ms;
    return [ sort $section =~ /^\|\s*`\$(\w+)`/mg ];
}

sub code_variables {
    return [ sort map { read_text($_) =~ /ngx_string\("(hpkp_\w+)"\),\s*NULL,/g } glob "$root/src/nginx/*.c" ];
}

sub readme_findings {
    my ($section) = $readme =~ /^## Findings\n(.*?)(?=^## |\z)/ms;
    return { $section =~ /^\|\s*`([\w-]+)`\s*\|\s*(\w+)\s*\|/mg };
}

sub code_findings {
    my $code = read_text("$root/src/core/finding_ids.def");
    return { $code =~ /^HPKP_FINDING\(\w+,\s*"([\w-]+)",\s*(\w+)\)/mg };
}

# A table that is read as empty would agree with one that is empty.
my ($directives, $findings) = (code_directives(), code_findings());
cmp_ok(scalar keys %$directives, '>=', 5, 'the command table is read');
cmp_ok(scalar keys %$findings, '>=', 30, 'the table of findings is read');

is_deeply(readme_directives(), $directives, 'directives and their contexts');
is_deeply(readme_variables(), code_variables(), 'variables');
is_deeply(readme_findings(), $findings, 'findings and their severities');

my @set_up = grep { m{^\./} } map { split /\n/ } $readme =~ /^## Try it\n.*?^```\n(.*?)^```/ms;
is_deeply(\@set_up, [ './conf-examples/quickstart.sh', './t/run.sh' ], 'the two commands to set up');
ok(-x "$root/$_", "$_ can be run") for @set_up;

done_testing;
