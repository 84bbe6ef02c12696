#!/usr/bin/perl
# make_export.pl ENTRIES SERVERS PIN...: an export of a ledger, as hpkp ledger export writes it, on standard output.
#
# The first SERVERS entries are of the servers' own hosts (wwwI.example.com), the rest of hosts beside them and
# elsewhere, in turn. Each had these pins until now, for a day.
use strict;
use warnings;

my ($entries, $servers, @pins) = @ARGV;
my $now = time;
my $policy = sprintf '{"clients":["chain"],"includeSubDomains":false,"kind":"enforce","max-age":[{"for":0,"value":86400}],'
    . '"pins":[%s],"policy":"bench","trust":{},"version":1}', join ',', map { qq({"name":"","pin-sha256":"$_"}) } @pins;
for my $i (0 .. $entries - 1) {
    my $host = $i < $servers ? "www$i.example.com" : $i % 2 ? "other$i.example.com" : "host$i.example$i.net";
    printf '{"anchor":%d,"exceptions":[],"first-sent":%d,"host":"%s","id":"%016x","instance":"elsewhere","last-sent":%d,'
        . '"one-label":false,"open":false,"policy":%s,"type":"entry","version":1}' . "\n",
        $now - 9000, $now - 9000, $host, $i, $now, $policy;
}
