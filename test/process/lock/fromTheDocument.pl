# Instance Lock Protocol 1 in Perl's own modules, written from docs/instance-lock-protocol.md alone: it shares no code with anybody.
#   key KIND RESOURCE | hold KIND RESOURCE SERVER | list | ask ID VERB | intend TARGET EXPECT VERB (acts until its input ends)
use strict; use warnings;
use Cwd (); use Digest::SHA qw(sha256_hex hmac_sha256); use Errno (); use Fcntl qw(:DEFAULT :flock :mode);
use IO::Socket::UNIX; use JSON::PP (); use POSIX (); use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

my $json = JSON::PP->new->utf8->canonical;
$| = 1;

# Section 2
sub base {
    my $run = $ENV{MCP_RUN_DIR};
    $run = (getpwuid($>))[7] . "/.mcp-run" unless defined $run && $run ne "";    # this machine's home is no network file system
    die "no absolute path: $run\n" unless $run =~ m{^/};
    for my $folder ($run, map { "$run/v1$_" } "", "/locks", "/instances", "/intents") {
        mkdir $folder, 0700;
        my @info = lstat $folder or die "$folder: $!\n";
        die "$folder is not this user's alone\n" unless S_ISDIR($info[2]) && $info[4] == $> && !($info[2] & 077);
    }
    return "$run/v1";
}

# Section 3; Linux
sub normalised {
    my ($kind, $name) = @_;
    if ($kind eq "port") { $name =~ /^(?:tcp:)?0*([1-9]\d{0,4})$/ && $1 < 65536 or die "no port\n"; return "tcp:$1" }
    if ($kind eq "name") { $name =~ /\A[a-z0-9._:-]{1,64}\z/ or die "no name\n"; return $name }
    die "no path\n" if $name eq "" || $name =~ /\0/;
    $name =~ s{^~(?=/|\z)}{(getpwuid($>))[7]}e;
    $name = Cwd::getcwd() . "/$name" unless $name =~ m{^/};
    my @rest;
    my $head = $name;
    my $real;
    until (defined($real = -e $head ? Cwd::realpath($head) : undef)) {
        $head =~ s{/+\z}{} if $head ne "/";
        $head =~ s{([^/]*)\z}{};
        unshift @rest, $1;
    }
    my @parts = split m{/}, $real;
    for my $part (map { split m{/} } @rest) {
        next if $part eq "" || $part eq ".";
        if ($part eq "..") { pop @parts if @parts > 1 } else { push @parts, $part }
    }
    return join("/", @parts) || "/";
}
sub key { my ($kind, $name) = @_; return substr sha256_hex("ilp1\n$kind\n$name"), 0, 32 }

# Section 6: the table of starts, Linux
sub read_file { my ($path) = @_; open my $file, "<", $path or return; local $/; return scalar <$file> }
sub start_of {
    my ($pid) = @_;
    my $stat = read_file("/proc/$pid/stat") // return;
    my @fields = split " ", substr $stat, rindex($stat, ")") + 1;
    return if $fields[0] =~ /^[ZXx]/;
    my ($tgid) = (read_file("/proc/$pid/status") // "") =~ /^Tgid:\s+(\d+)/m;
    return if !defined $tgid || $tgid != $pid;
    my ($offset) = (read_file("/proc/self/timens_offsets") // "") =~ /^boottime\s+(-?\d+)/m;
    return "lx:" . ($fields[19] - ($offset // 0) * POSIX::sysconf(POSIX::_SC_CLK_TCK()));
}
sub host {
    my ($boot) = read_file("/proc/sys/kernel/random/boot_id") =~ /(\S+)/;
    my ($pidns) = readlink("/proc/self/ns/pid") =~ /\[(\d+)\]/;
    return { boot => $boot, pidns => $pidns };
}

# Section 7
my $text = qr/\A[^\x00-\x1f\x7f-\x9f]{0,4096}\z/;
sub read_record {
    my ($folder, $id) = @_;
    sysopen my $file, "$folder/$id.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK or return { unreadable => "$!" };
    my @info = stat $file;
    return { unreadable => "no regular file of ours" } unless S_ISREG($info[2]) && $info[4] == $>;
    return { unreadable => "too large" } if $info[7] > 65536;
    my $bytes = ""; while (sysread $file, $bytes, 65537, length $bytes) { }
    my $record = eval { $json->decode($bytes) };
    return { unreadable => "no JSON object" } unless ref $record eq "HASH";
    for my $field (qw(ilp minReader)) {
        return { newer => 1 } if ($record->{$field} // "") =~ /\A\d{1,9}\z/ && $record->{$field} > 1 && ($record->{ilp} // "") =~ /\A\d+\z/;
    }
    my $is_number = sub { $json->allow_nonref->encode($_[0] // "") =~ /\A\d+\z/ };
    my $process = sub {
        my ($one) = @_;
        ref $one eq "HASH" && $is_number->($one->{pid}) && $one->{pid} >= 2 && $one->{pid} < 2**31 && ($one->{start} // "") =~ /\A(?:(?:lx|ps|win):\d{1,20}|\?)\z/;
    };
    my $ok = ($record->{ilp} // 0) eq "1" && ($record->{minReader} // 0) eq "1" && ($record->{id} // "") eq $id
        && $is_number->($record->{seq}) && $record->{seq} >= 1
        && ($record->{state} // "") =~ /\A(?:starting|running|stopping|compromised)\z/
        && ($record->{exclusion} // "") =~ /\A(?:flock|share0|none)\z/
        && ref $record->{host} eq "HASH" && ($record->{host}{boot} // "\n") =~ $text && ($record->{host}{pidns} // "\n") =~ $text
        && ($record->{serverId} // "\n") =~ $text && ref $record->{locks} eq "ARRAY" && @{ $record->{locks} } <= 64
        && !(grep { ref $_ ne "HASH" || ($_->{key} // "") !~ /\A[0-9a-f]{32}\z/ || ($_->{kind} // "") !~ /\A(?:path|port|name)\z/ || ($_->{resource} // "\n") !~ $text } @{ $record->{locks} })
        && !(grep { exists $record->{$_} && !$process->($record->{$_}) } qw(guard server));
    return $ok ? { record => $record } : { unreadable => "not by the schema" };
}
sub life {
    my ($record, $here) = @_;
    return "dead" if $record->{host}{boot} ne $here->{boot};
    return "unknown" if $record->{host}{pidns} ne $here->{pidns};
    my @lives = map {
        my $start = start_of($_->{pid});
        !defined $start ? "dead" : $start eq $_->{start} ? "alive" : $_->{start} =~ /^lx:/ ? "dead" : "unknown";
    } grep { defined } @$record{qw(guard server)};
    return "alive" if grep { $_ eq "alive" } @lives;
    return "unknown" if !@lives || grep { $_ eq "unknown" } @lives;
    my $group = $record->{server} && $record->{server}{pgid};
    if ($group) {
        for my $stat (map { read_file($_) // "" } glob "/proc/[0-9]*/stat") {
            my @fields = split " ", substr $stat, rindex($stat, ")") + 1;
            return "unknown" if @fields > 2 && $fields[2] == $group && $fields[0] !~ /^[ZXx]/;
        }
    }
    return "dead";
}
sub records {
    my ($folder) = @_;
    opendir my $dir, $folder or die "$folder: $!\n";
    return map { /\A([0-9a-f]{32})\.json\z/ ? [ $1, read_record($folder, $1) ] : () } readdir $dir;
}

# Section 4.1 to 4.5
sub take {
    my ($path, $wait) = @_;
    my $until = clock_gettime(CLOCK_MONOTONIC) + $wait;
    for (;;) {
        sysopen my $file, $path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600 or die "$path: $!\n";
        my @info = stat $file;
        die "$path is no regular file of ours\n" unless S_ISREG($info[2]) && $info[4] == $>;
        if (flock $file, LOCK_EX | LOCK_NB) {
            my @named = lstat $path;
            return $file if @named && $named[0] == $info[0] && $named[1] == $info[1] && (stat $file)[3] > 0;
        } elsif (!$!{EWOULDBLOCK}) { die "exclusion is unavailable: $!\n" }
        elsif (clock_gettime(CLOCK_MONOTONIC) >= $until) { return }
        sleep 0.02 + rand 0.04;
    }
}
sub write_whole {
    my ($path, $value) = @_;
    sysopen my $file, "$path.tmp", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600 or die "$path.tmp: $!\n";
    print $file $json->encode($value), "\n"; close $file or die "$!\n";
    rename "$path.tmp", $path or die "$!\n";
}

my ($mode, @args) = @ARGV;
my $base = base();
my ($instances, $here) = ("$base/instances", host());
if ($mode eq "key") {
    my $name = normalised(@args);
    print key($args[0], $name), " $name\n";
} elsif ($mode eq "list") {
    for (records($instances)) {
        my ($id, $seen) = @$_;
        print "$id ", $seen->{record} ? life($seen->{record}, $here) : $seen->{newer} ? "newer" : "unreadable", "\n";
    }
} elsif ($mode eq "hold") {
    my ($kind, $resource, $server) = @args;
    my $name = normalised($kind, $resource);
    my $key = key($kind, $name);
    my $lock = take("$base/locks/$key.lock", 0.3);
    my @rivals = grep { my $r = $_->[1]{record}; $r && life($r, $here) ne "dead" && grep { $_->{key} eq $key } @{ $r->{locks} } } records($instances);
    if (!$lock || @rivals) {
        print STDERR "held by ", join(" and ", map { my $r = $_->[1]{record}; my $p = $r->{server} // $r->{guard} // {}; "PID " . ($p->{pid} // "?") . " ($r->{serverId})" } @rivals) || "a process without a record", "\n";
        exit 75;
    }
    my @disk = $kind eq "path" ? stat $name : ();
    open my $random, "<:raw", "/dev/urandom" or die; read $random, my $bytes, 16;
    my $id = unpack "H*", $bytes;
    write_whole("$instances/$id.json", {
        ilp => 1, minReader => 1, id => $id, seq => 1, state => "running", exclusion => "flock", host => $here, serverId => $server,
        server => { pid => $$, start => start_of($$) },
        locks => [ { key => $key, kind => $kind, resource => $name, @disk ? (dev => "$disk[0]", ino => "$disk[1]") : () } ],
    });
    print "held\n";
    scalar <STDIN>;
    unlink "$instances/$id.json";
} elsif ($mode eq "ask") {    # Section 9
    my ($id, $verb) = @args;
    my $seen = read_record($instances, $id)->{record} or die "no record\n";
    my $path = $seen->{control}{path};
    die "no path of the protocol\n" unless $path =~ m{\A\Q$base\E/s/[0-9a-f]{12}\.sock\z} || $path =~ m{\A/tmp/mcp-$>-[0-9a-f]+/c\.sock\z};
    my @info = lstat $path; die "no socket of ours\n" unless @info && S_ISSOCK($info[2]) && $info[4] == $>;
    my ($hex) = (read_file("$instances/$id.secret") // "") =~ /\A([0-9a-f]{64})\s*\z/ or die "no secret\n";
    my $secret = pack "H*", $hex;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
    my $line = sub { my $text = <$socket>; die "closed\n" unless defined $text; return $json->decode($text) };
    my $theirs = pack "H*", $line->()->{nonce};
    open my $random, "<:raw", "/dev/urandom" or die; read $random, my $ours, 16;
    my $hello = { nonce => unpack("H*", $ours), proof => unpack("H*", hmac_sha256($theirs . $ours, $secret)) };
    print $socket $json->encode($hello), "\n"; $socket->flush;
    die "it does not know the secret\n" unless $line->()->{proof} eq unpack "H*", hmac_sha256($ours . $theirs, $secret);
    my $ask = { id => 1, verb => $verb, expectInstance => $id, by => "a program in Perl" };
    $ask->{expectServer} = { pid => $seen->{server}{pid}, start => $seen->{server}{start} } if $seen->{server};
    print $socket $json->encode($ask), "\n"; $socket->flush;
    for (;;) {
        my $answer = $line->();
        next if $answer->{progress};
        print $json->encode($answer->{result} ? { result => $answer->{result} } : { error => $answer->{error}{code} }), "\n";
        last;
    }
} elsif ($mode eq "intend") {    # Section 8
    my ($target, $expect, $verb) = @args;
    my $lock = take("$base/intents/$target.lock", 5) or do { print read_file("$base/intents/$target.json") // "held", "\n"; exit 1 };
    write_whole("$base/intents/$target.json", { by => "a program in Perl", pid => $$, start => start_of($$), verb => $verb, expect => $expect, since => POSIX::strftime("%FT%TZ", gmtime) });
    print "acting\n";
    scalar <STDIN>;
    unlink "$base/intents/$target.json";
}
