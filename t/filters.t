# Other modules' filters: those that begin an answer anew, or add headers of our names, loaded before us and after.

use lib 't/lib';
use HPKP::Fetch qw(raw_tls);
use HPKP::Test;
use IO::Socket::INET;
use POSIX ();

my %file = map { $_ => "/usr/lib/nginx/modules/ngx_http_${_}_filter_module.so" } qw(image headers_more);
-e or die "no $_ (Debian: libnginx-mod-http-image-filter libnginx-mod-http-headers-more-filter)\n" for values %file;
my $ours = site()->{module};
my $load = join '', map { "load_module $_;\n" } values %file;

my $locations = <<'CONF';
location /size { image_filter size; alias {{prefix}}/html; }
location /broken { image_filter resize 10 10; alias {{prefix}}/html; }
location /more { more_set_headers 'Public-Key-Pins: max-age=1' 'X-Other: kept'; return 200 "x"; }
location /cleared { more_clear_headers Public-Key-Pins; return 200 "x"; }
CONF

# The smallest GIF there is: one pixel.
my $gif = pack 'H*', '47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b';

for my $order (qw(before after)) {
    for my $emit (qw(every-response once-per-connection)) {
        my $server = site(pins_yaml => policy(enforce => '{max-age: 30d}'), extra => "hpkp_emit $emit;\n$locations",
            $order eq 'after' ? (main => $load) : (module => 'none', main => "${load}load_module $ours;\n"));
        my $expected = [ pins_header($server, max_age => 2592000) ];
        $server->write('html/pixel.gif', $gif);
        $server->write('html/broken.gif', "GIF89a broken\n");
        $server->start;

        for my $case ([ '/size/pixel.gif', 200 ], [ '/broken/broken.gif', 415 ], [ '/more', 200 ], [ '/cleared', 200 ]) {
            my ($path, $status) = @$case;
            my $answer = fetch($server, $path);
            is($answer->{status}, $status, "$path, loaded $order, $emit");
            is_deeply([ values_of($answer, 'Public-Key-Pins') ], $expected, 'the header once') or diag($answer->{head});
            is_deeply([ values_of($answer, 'X-Other') ], ['kept'], 'others stay') if $path eq '/more';
        }
        $server->stop;
        $server->no_alerts;
    }
}

# A 103 goes out before our header, and clients read the first of a name. nginx passes them on since 1.29.
subtest 'early hints of an upstream' => sub {
    my $server = site(pins_yaml => policy(enforce => '{max-age: 30d}'),
        extra => "location /hints { early_hints 1; proxy_http_version 1.1; proxy_pass http://127.0.0.1:{{port:upstream}}; }");
    my ($version) = run_command([ $server->{binary}, '-v' ])->{err} =~ m{nginx/(\d+\.\d+)};
    if ($version < 1.29) {
        like($server->test_config->{err}, qr/unknown directive "early_hints"/, "this nginx ($version) has none");
        return;
    }

    my $upstream = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('upstream'), Listen => 1)
        or die "listen: $!";
    $server->start;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        alarm 30;
        my $client = $upstream->accept or POSIX::_exit(1);
        sysread $client, my $request, 65536;
        print $client "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nPublic-Key-Pins: foreign\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPublic-Key-Pins: foreign\r\nConnection: close\r\n\r\nok";
        close $client;
        POSIX::_exit(0);
    }
    my $text = raw_tls($server, "GET /hints HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n");
    waitpid $pid, 0;
    like($text, qr{^HTTP/1\.1 103[^\n]*\n(?:[^\r\n]+\r\n)*Link: </a\.css>}, 'they come');
    unlike($text, qr/foreign/, 'without the header of our name');
    is((() = $text =~ /^Public-Key-Pins: max-age=2592000;/mg), 1, 'ours goes with the answer');
    $server->stop;
    $server->no_alerts;
};

done_testing;
