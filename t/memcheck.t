# valgrind's memcheck over nginx -t (good, refused), a start, requests, a reload, a refused reload, a stop: the module reads
# and writes nothing that is not its own, decides nothing by what was never set, and loses no memory.
#
# nginx and OpenSSL are judged by their own projects: what counts is every error with a frame of ours, and of a library's
# that we have called. So no suppression is needed. There are none.

use lib 't/lib';
use HPKP::Test;
use POSIX ();

plan skip_all => 'the sanitizers look for the same, and valgrind cannot run them' if $ENV{HPKP_PRELOAD};
need_tools('valgrind');

my $policy = 'hpkp_policy pins.yaml;';
my $server = site(pins_yaml => "trust: {test: {{pki}}/roots.pem}\n" . policy(), server => '',
    extra => "$policy\nlocation /v { return 200 \"\$hpkp_pin \$hpkp_policy\\n\"; }",
    more => tls_server(name => 'other.example.com', cert => 'other'));
my ($module) = $server->{module} =~ m{([^/]+)$};

sub valgrind {
    my ($name) = @_;
    mkdir $server->file('temp/valgrind');
    # nginx unloads the module before valgrind looks for leaks: without its symbols none would be known for ours.
    return (qw(valgrind --quiet --keep-debuginfo=yes --trace-children=yes --child-silent-after-fork=no --leak-check=full --show-leak-kinds=definite
        --errors-for-leak-kinds=definite --num-callers=40 --error-limit=no --xml=yes), '--xml-file=' . $server->file("temp/valgrind/$name.%p"));
}

# What valgrind has to say against us, of all processes: KIND: WHAT, and the innermost frames.
sub against_us {
    my ($name) = @_;
    my @found;
    my @files = glob $server->file("temp/valgrind/$name.*");
    for my $text (map { read_text($_) } @files) {
        for my $error ($text =~ m{<error>(.*?)</error>}gs) {
            next if $error !~ m{<obj>[^<]*\Q$module\E</obj>};
            my ($kind) = $error =~ m{<kind>(.*?)</kind>};
            my @frames = map { my $frame = $_; [ map { $frame =~ m{<$_>(.*?)</$_>} ? "$1" : '?' } qw(fn file line) ] }
                $error =~ m{<frame>(.*?)</frame>}gs;
            # What a pool has no more room for it asks of malloc; it is nginx that does not free its pools when it ends.
            next if $kind =~ /^Leak/ && grep { $_->[0] =~ /^ngx_(?:alloc|memalign|create_pool)$/ } @frames[ 0 .. 2 ];
            push @found, join "\n    ", $kind, map { "$_->[0] $_->[1]:$_->[2]" } @frames[ 0 .. ($#frames < 14 ? $#frames : 14) ];
        }
    }
    return (scalar @files, join "\n", @found);
}

sub clean {
    my ($name, $at_least) = @_;
    my ($processes, $found) = against_us($name);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    cmp_ok($processes, '>=', $at_least, "$name: $processes processes were watched");
    is($found, '', "$name: nothing against the module");
}

my $bad = tls_server(cert => 'www-unpinned', extra => $policy);
accepted($server->test_config(before => [ valgrind('good') ], timeout => 200), 'nginx -t');
clean('good', 2);
my $good = read_text($server->file('conf/nginx.conf'));
$server->configure(http => $bad);
refused($server->test_config(before => [ valgrind('bad') ], timeout => 200), 'nginx -t, refused');
clean('bad', 2);

# A master's children are known by their parent alone: valgrind has no title.
sub started { return wait_until(sub { $server->log =~ /start worker process \d+/ && answer('/') }, 200) }
sub answer { return eval { fetch($server, $_[0], @_[ 1 .. $#_ ]) } }
sub said { my ($mark, $pattern) = @_; return wait_until(sub { $server->log_since($mark) =~ $pattern }, 200) }

write_text($server->file('conf/nginx.conf'), $good);
my $header = pins_header($server, max_age => 2592000);
my $log = $server->file('logs/stderr');
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    open STDERR, '>>', $log or die "$log: $!";
    open STDOUT, '>&', \*STDERR or die "dup: $!";
    no warnings 'exec';
    exec(qw(setpriv --pdeathsig KILL), valgrind('life'), $server->command) or POSIX::_exit(127);
}
END { kill KILL => $pid if $pid; }
ok(started(), 'it starts') or diag($server->log, $server->stderr);
for my $ask ([ '/', http => '1.1' ], [ '/v', http => '1.0' ], [ '/', sni => 'other.example.com' ], ['/nowhere']) {
    my @sent = values_of(answer(@$ask) || { headers => [] }, 'Public-Key-Pins');
    is("@sent", $ask->[1] && $ask->[1] eq 'sni' ? '' : $header, "@$ask");
}

$server->write('conf/pins.yaml', "trust: {test: {{pki}}/roots.pem}\n" . policy(pins => [qw(www backup-2 backup-3)]));
my $mark = $server->log_mark;
kill HUP => $pid;
ok(said($mark, qr/start worker process \d+/), 'it reloads');
$server->configure(http => $bad);
$mark = $server->log_mark;
kill HUP => $pid;
ok(said($mark, qr/configuration refused/), 'a reload is refused');
ok(wait_until(sub { my @sent = values_of(answer('/') || { headers => [] }, 'Public-Key-Pins'); "@sent" =~ /pin/ }, 100), 'it serves');
kill QUIT => $pid;
ok(wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 200), 'it stops');
undef $pid;
clean('life', 6);
$server->no_alerts;
done_testing;
