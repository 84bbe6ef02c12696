# hpkp check --key: does this key belong to a pin? Asked before it goes into use.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();
use File::Temp ();
use JSON::PP ();

my $tool = HPKP::Ledger::tool();
my $dir = File::Temp->newdir;
my $pki = HPKP::PKI->new;
my $base = $pki->dir;

sub policy_file {
    my ($name, $text) = @_;
    $text =~ s/\{\{pin:([\w-]+)\}\}/$pki->pin($1)/ge;
    return write_text("$dir/$name", $text);
}
our $policy = policy_file('pins.yaml', policy(pins => [ 'www', 'backup-1', 'name: of old, retired: true, pin-sha256: "{{pin:other}}"', 'backup-rsa' ], report_only => '{report-uri: https://reports.example.org/pkp}'));

sub check {
    my ($key, @more) = @_;
    return run_command([ $tool, 'check', $policy, '--chain', "$base/chains/www.pem", '--ledger', 'off', '--key', $key, @more ], timeout => 10);
}

subtest 'a key that is pinned' => sub {
    for my $key ("$base/keys/backup-1.pem", "$base/public/backup-1.pem", "$base/public/backup-1.der") {
        my $run = check($key);
        is($run->{exit}, 0, "$key: exit 0") or diag($run->{out}, $run->{err});
        like($run->{out}, qr/^the key in \Q$key\E is the pin "backup-1" of policy "www"$/m, 'which pin it is');
        like($run->{out}, qr/^the key in \Q$key\E is that of no leaf/m, 'and that it is not in use');
    }
    like(check("$base/keys/www.pem")->{out}, qr/^the key in .* is that of the leaf in the chain of www\.example\.com$/m, 'the key in use');
    like(check("$base/keys/other.pem")->{out}, qr/is the pin "of old" of policy "www", which is retired$/m, 'a retired one');

    my $locked = "$dir/locked.key";
    output_of(qw(openssl pkcs8 -topk8 -passout pass:secret -in), "$base/keys/backup-rsa.pem", '-out', $locked);
    my $run = check($locked, '--passin', 'pass:secret');
    is($run->{exit}, 0, 'an encrypted one: exit 0') or diag($run->{err});
    like($run->{out}, qr/is the pin "backup-rsa"/, 'which pin it is');
    $run = check($locked);
    is($run->{exit}, 2, 'without its pass phrase: exit 2');
    like($run->{err}, qr/is encrypted: give --passin/, 'and says so');
    my $json = JSON::PP::decode_json(check("$base/keys/www.pem", '--format', 'json')->{out});
    is_deeply($json->{key}, { file => "$base/keys/www.pem", 'pin-sha256' => $pki->pin('www'), pinned => JSON::PP::true, leaf => JSON::PP::true,
        policies => [ { policy => 'www', pin => 'www' } ] }, 'JSON');
};

subtest 'a key that is not' => sub {
    my $key = "$base/keys/unpinned.pem";
    my $run = check($key);
    is($run->{exit}, 1, 'exit 1');
    is((grep { /^error: / } split /\n/, $run->{out})[0],
        qq(error: the key in $key is no pin of policy "www": pin-sha256="@{[ $pki->pin('unpinned') ]}"; the policy has: "www", "backup-1", "of old", "backup-rsa"),
        'says what it is, and what the policy has');
    like($run->{out}, qr/^0 errors, .*nginx would accept this$/m, 'nginx is another matter');
    my $json = JSON::PP::decode_json(check($key, '--format', 'json')->{out});
    is_deeply($json->{key}{policies}, [ { policy => 'www', pin => undef } ], 'JSON');
    ok(!$json->{key}{pinned} && $json->{accepted}, 'the same there');
};

subtest 'several policies' => sub {
    (my $first = policy()) =~ s/^version: 1\npolicies:\n//;
    (my $second = policy(name => 'app', pins => [qw(www backup-2)], guard => '{}')) =~ s/^version: 1\npolicies:\n//;
    local $policy = policy_file('two.yaml', "version: 1\npolicies:\n$first$second");
    my $run = check("$base/keys/backup-1.pem", '--name', 'www', '--name', 'app');
    is($run->{exit}, 1, 'it must be in each: exit 1');
    like($run->{out}, qr/is the pin "backup-1" of policy "www"$/m, 'in this');
    like($run->{out}, qr/^error: .* is no pin of policy "app"/m, 'not in that');
    is(check("$base/keys/backup-1.pem", '--name', 'www')->{exit}, 0, 'in the one that is asked for');
    is(check("$base/keys/backup-1.pem")->{exit}, 1, 'in none that is named: exit 1');
};

subtest 'what is no key' => sub {
    my $two = write_text("$dir/two.key", read_text("$base/keys/www.pem") . read_text("$base/keys/backup-1.pem"));
    my %wrong = ("$base/certs/www.pem" => 'holds no key', $two => 'holds several keys', "$dir/nowhere" => 'cannot be opened');
    for my $file (sort keys %wrong) {
        my $run = check($file);
        is($run->{exit}, 2, "$file: exit 2");
        like($run->{err}, qr/\Ahpkp: \Q$file $wrong{$file}\E/, 'and says why');
    }
};

done_testing;
