# README.md and docs/: every link leads somewhere, to a page, a file or a heading; and README.md names every page.

use lib 't/lib';
use HPKP::Test;

my $root = project_root();
my @pages = map { substr $_, 1 + length $root } glob "$root/docs/*.md";
cmp_ok(scalar @pages, '>=', 8, 'there are pages');

# As forges make them of a heading.
sub anchors {
    my ($file) = @_;
    my $text = read_text($file) =~ s/^```.*?^```$//msgr;
    return { map { lc =~ s/[^\w\s-]//gr =~ tr/ /-/r => 1 } $text =~ /^#+ (.+)$/mg };
}

for my $page ('README.md', @pages) {
    my ($folder) = "$root/$page" =~ m{(.*/)};
    my @links = grep { !/^https?:/ } read_text("$root/$page") =~ /\]\(([^)\s]+)\)/g;
    my @broken = grep {
        my ($file, $anchor) = /^([^#]*)(?:#(.*))?$/;
        my $path = length $file ? "$folder$file" : "$root/$page";
        !-e $path || defined $anchor && !anchors($path)->{$anchor};
    } @links;
    is_deeply(\@broken, [], "$page: every link leads somewhere");
}

my ($table) = read_text("$root/README.md") =~ /^## Documentation\n(.*?)^## /ms;
is_deeply([ sort(($table // '') =~ /^\| \[[^\]]+\]\(([^)]+)\)/mg) ], [ sort @pages ], 'README.md has a row for every page');

done_testing;
