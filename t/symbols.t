# The module exports what nginx looks up, and nothing else: dlopen() is RTLD_GLOBAL, so any other name could meet one of
# nginx's or of another module's. And it can be unloaded.

use lib 't/lib';
use HPKP::Test;

need_tools(qw(nm readelf));
my $module = need_file($ENV{HPKP_MODULE} || build_dir() . '/ngx_http_hpkp_module.so', 'build it first');

my @exported = sort map { (split)[-1] } split /\n/, output_of('nm', '-D', '--defined-only', $module);
is_deeply(\@exported, [qw(ngx_module_names ngx_module_order ngx_modules)], 'exported symbols');

# STB_GNU_UNIQUE makes dlclose() do nothing.
unlike(output_of('nm', $module), qr/^\S+ u /m, 'no unique symbols');

my @needed = output_of('readelf', '--dynamic', $module) =~ /\(NEEDED\).*\[(.*)\]/g;
is((grep { /^libssl\b/ } @needed), 1, 'one libssl');
is_deeply([ grep { !/^lib(?:ssl|crypto|yaml-cpp|uriparser|sqlite3|stdc\+\+|gcc_s|c|m|asan|ubsan)\.so|^ld-linux/ } @needed ], [],
    'linked with nothing more than it needs');

# All that it wants from nginx is there: nginx binds lazily otherwise, and would die at the first request.
my $server = site();
my $run = $server->test_config(env => { LD_BIND_NOW => 1 });
accepted($run, 'every undefined symbol is found');

done_testing;
