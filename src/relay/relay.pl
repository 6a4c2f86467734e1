# The relay of MCP Shepherd, for perl: see contract.ts, which says what it sends and obeys, and relaySession.ts, which is the same for Node.js.
# perl relay.pl NODE GUARD WORDS: NODE runs GUARD (guard.cjs) as a host, or, where no host takes the session, as a guard in the place of this process.
use strict;

# A minimal perl may lack its modules. Socket takes 1.2 MB and Errno 0.2 MB of each relay, so on Linux their numbers stand here. They are the same on all
# processors but MIPS, Alpha, PA-RISC and SPARC, where no host is found: the relay becomes a guard.
BEGIN {
    my $numbers = $^O eq 'linux'
        ? 'sub AF_UNIX () { 1 } sub SOCK_STREAM () { 1 } sub PF_UNSPEC () { 0 } sub MSG_DONTWAIT () { 64 } sub pack_sockaddr_un { pack "SZ*", 1, $_[0] }
           sub ENOENT () { 2 } sub EINTR () { 4 } sub EAGAIN () { 11 } sub EACCES () { 13 }'
        : 'use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC MSG_DONTWAIT pack_sockaddr_un); use Errno qw(ENOENT EINTR EAGAIN EACCES);';
    eval "$numbers use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK O_WRONLY O_RDONLY O_CREAT O_EXCL O_NOFOLLOW); 1"
        or exec { $ARGV[0] } @ARGV[0, 1], '--alone', @ARGV[2 .. $#ARGV];
}

my ($node, $guard, @words) = @ARGV;
my ($window, $whole_line) = (1048576, 16 * 1048576);
my ($dashes) = grep { $words[$_] eq '--' } 0 .. $#words;
my @options = @words[0 .. ($dashes // 0) - 1];
my @command = defined $dashes ? @words[$dashes + 1 .. $#words] : ();

sub alone { exec { $node } $node, $guard, '--alone', @words; exit 126 }
alone() if !@command || grep { /^(?:--alone|--lock|--http|--help|-h)(?:=|$)/ } @options;

my $run;
for my $at (0 .. $#options) {
    $run = $options[$at + 1] if $options[$at] eq '--run-dir';
    $run = $1 if $options[$at] =~ /^--run-dir=(.*)/s;
}
$run //= length($ENV{MCP_RUN_DIR} // '') ? $ENV{MCP_RUN_DIR} : (getpwuid $>)[7] . '/.mcp-run';
my $folder = "$run/shepherd/host";
alone() if $run !~ m{^/} || length("$folder/socket") > 100 || refused();

sub parent { my ($path) = @_; $path =~ s{/+[^/]*/*$}{}; return length $path ? $path : '/' }

# Users beside this one and root whose folders above the run folder are trusted: in a namespace that leaves users out, the number that stands for them.
sub unmapped {
    open my $file, '<', '/proc/self/uid_map' or return -1;
    local $/;
    return <$file> =~ /^\s*0\s+0\s+4294967295\s*$/ ? -1 : 65534;
}

# Whether another user could have made what is there, or could put something else in its place; what is missing is no reason. See storage/privateFolder.ts.
sub refused {
    for my $path ($run, "$run/shepherd", $folder) {
        my @info = lstat $path or last;
        return 1 if ($info[2] & 0170000) != 0040000 || $info[4] != $> || $info[2] & 022;
    }
    my ($unmapped, %seen) = unmapped();
    my @above = parent($run);
    while (@above) {
        my $path = pop @above;
        next if $seen{$path}++;
        push @above, parent($path);
        my @info = lstat $path or next;
        return 1 if !grep { $info[4] == $_ } $>, 0, $unmapped;
        if (defined(my $to = readlink $path)) {
            push @above, $to =~ m{^/} ? $to : parent($path) . "/$to";
        } elsif (($info[2] & 01002) == 2) {
            return 1;
        }
    }
    return;
}

# What is under way: lines by name ('-' is the client), and the servers by number.
my %kept = ('-' => []);    # frames that no host has dealt with: kind and lines
my (%bytes, %done, %rest, %over);
my (%direct, %indirect, %within);    # servers whose lines may pass the host; kept frames that do not; whether a line has left in part
my ($open, $order) = (undef, 0);    # the server that gets whole lines of the client at once; numbers frames
my %server;                # pid, in, out, err, state, queue
my (%ledger, %written);
my ($host, $host_fd, $in, @batch, $heard, $pinged, $out, $alone, $exit, @deadlines);
# For the client: what waits, how much of it is not from the host, whether it has to wait.
my ($queue, $own, $stuck) = ('', 0, 0);
my ($turned, $closed, $refused, $moved) = (0, 0, 0, 0);
# Whether other things are to be read than in the last turn.
my $changed = 1;
# Whether what waits for the host has to leave now. What was only passed leaves with the next message, at the latest after 20 ms.
my $hurry = 0;
my @lost;
my $signals = '';
pipe(my $wake, my $waker) or alone();
quiet($_) for $wake, $waker;
$SIG{PIPE} = 'IGNORE';

# Seconds that no change of the clock moves. Time::HiRes is not part of every perl.
sub now {
    open my $file, '<', '/proc/uptime' or return time;
    return (split ' ', <$file>)[0];
}

sub quiet { fcntl($_[0], F_SETFL, fcntl($_[0], F_GETFL, 0) | O_NONBLOCK) }
sub frame { my ($kind, $name, $body) = @_; $body //= ''; return "$kind $name " . length($body) . "\n$body" }
sub to_host {
    return if !$host;
    my ($kind, $name, $body) = @_;
    $body //= '';
    $out .= "$kind $name " . length($body) . "\n$body";
    $hurry ||= $kind ne 'passed' && $kind ne 'sent';
}

sub secret {
    for ([$folder, 040000], ["$folder/secret", 0100000]) {
        my @info = lstat $_->[0] or return;
        return if ($info[2] & 0170000) != $_->[1] || $info[4] != $> || $info[2] & 077;
    }
    return if refused();
    sysopen(my $file, "$folder/secret", O_RDONLY | O_NOFOLLOW) or return;
    sysread $file, my $text, 200;
    return $text;
}

sub clean_environment {
    my %all = %ENV;
    %ENV = ();
    exists $all{$_} and $ENV{$_} = $all{$_} for qw(PATH HOME USER TMPDIR LANG);
}

# Two forks: the host belongs to no client.
sub run_host {
    my ($socket) = @_;
    my $pid = fork // return;
    if ($pid) { waitpid $pid, 0; return }
    exit 0 if fork;
    setpgrp 0, 0;
    $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD HUP INT TERM USR2);
    clean_environment();
    chdir '/';
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    if ($socket) {
        # The host expects it as descriptor 3.
        require POSIX;
        POSIX::dup2(fileno $socket, 3);
    }
    # The last host's program: an update may have removed this one's.
    my $program = $ledger{program} // '';
    $program = $guard if !-f $program;
    exec { $node } $node, $program, 'host', $run, $socket ? 'own' : ();
    exit 127;
}

sub start_host {
    my $mark = "$folder/starting";
    return if refused();
    mkdir $folder, 0700;
    my @info = lstat $mark;
    unlink $mark if @info && time - $info[9] > 2;
    run_host() if sysopen(my $file, $mark, O_WRONLY | O_CREAT | O_EXCL, 0600) || !-d $folder;
}

# In their order: of two variables that npm reads as one setting (npm_config_cache, NPM_CONFIG_CACHE), the last one counts. Perl's own table has no order.
sub environment {
    local $/ = "\0";
    open my $file, '<', '/proc/self/environ' or return map { "$_=$ENV{$_}" } sort keys %ENV;
    my %seen;
    return grep { /^([^=]+)=/ && !$seen{$1}++ } map { s/\0$//r } <$file>;
}

sub greeting {
    my ($secret) = @_;
    my $ns = join ' ', map { readlink("/proc/self/ns/$_") // () } qw(mnt pid user);
    my $cwd = readlink('/proc/self/cwd') // do { require Cwd; Cwd::getcwd() };
    return frame('hello', 1, join "\0", "secret=$secret", "pid=$$", 'can=open', 'ppid=' . getppid, "cwd=$cwd", "ns=$ns",
        (map { "arg=$_" } @words), (map { "env=$_" } environment()),
        (map { "keep=$_ $ledger{$_}" } keys %ledger), (map { "server=$_ $server{$_}{pid} $server{$_}{state}" } keys %server));
}

# Sends the greeting, and waits for the answer. Returns whether the host took the session.
sub greet {
    my ($socket, $secret, $until) = @_;
    quiet($socket);
    my ($send, $got) = (greeting($secret), '');
    while ($got !~ /\n/) {
        my ($read, $write) = ('', '');
        vec($read, fileno $socket, 1) = 1;
        vec($write, fileno $socket, 1) = 1 if length $send;
        my $left = $until - now();
        return if $left <= 0 || $alone;
        select($read, $write, undef, $left);
        if (length $send) {
            my $count = syswrite $socket, $send, 65536;
            substr($send, 0, $count, '') if $count;
        }
        my $count = sysread $socket, $got, 1, length $got;
        return if defined $count && $count == 0 || !defined $count && $! != EAGAIN && $! != EINTR;
    }
    $refused = $got =~ /^no /;
    return if $got ne "ready 1 0\n";
    $moved = 0;    # whether the host has said that another one goes on
    ($host, $host_fd, $in, $out, $heard, $pinged, @batch) = ($socket, fileno $socket, '', '', now(), 0);
    (%direct, $open) = ();
    $changed = 1;
    $done{$_} = 0 for keys %kept;
    to_host(@$_) for sort { $a->[3] <=> $b->[3] } map { @$_ } values %kept;
    $over{$_} and to_host('eof', $_) for keys %kept;
    return 1;
}

sub find_host {
    my ($limit) = @_;
    my ($until, $late) = (now() + $limit, now() + 4);
    while (now() < $until && !$alone) {
        my $secret = secret();
        my $socket;
        if (defined $secret && socket($socket, AF_UNIX, SOCK_STREAM, PF_UNSPEC) && connect($socket, pack_sockaddr_un("$folder/socket"))) {
            return 1 if greet($socket, $secret, $until);
            return 0 if $refused && $limit < 2;
        } else {
            start_host();
            $until = now() + 1 if $limit < 2 && now() < $late && -e "$folder/starting";
        }
        select undef, undef, undef, 0.03;
    }
    return 0;
}

# Lines of the client or a server on their way to the host.
sub pass_lines {
    my ($name, $lines) = @_;
    if ($alone) {
        $queue .= $lines if $name ne '-';
        return;
    }
    my ($kind, $to) = ('lines', $name);
    my $ends = substr($lines, -1) eq "\n";
    my $one = $name eq '-' && defined $open && $server{$open};
    $one = undef if $one && ($one->{closing} || $one->{state} ne 'running');
    if (($one || $direct{$name}) && !$indirect{$name} && !$within{$name} && $ends) {
        if ($one) {
            ($kind, $to) = ('sent', $open);
            $one->{queue} .= $lines;
            $one->{own} += length $lines;
            $changed = 1 if length $one->{queue} > $window;
        } else {
            $kind = 'passed';
            $queue .= $lines;
            $own += length $lines;
        }
    } else {
        $indirect{$name}++;
    }
    $within{$name} = !$ends;
    push @{ $kept{$name} }, [$kind, $to, $lines, $order++];
    $changed = 1 if ($bytes{$name} += length $lines) > $window;
    to_host($kind, $to, $lines);
}

sub read_lines {
    my ($name, $source) = @_;
    my $count = sysread $source, my $chunk, 262144;
    return 1 if !defined $count && ($! == EAGAIN || $! == EINTR);
    if (!$count) {
        pass_lines($name, delete $rest{$name}) if length($rest{$name} // '');
        $over{$name} = $changed = 1;
        to_host('eof', $name);
        return 0;
    }
    my $end = rindex($chunk, "\n") + 1;
    if ($end) {
        pass_lines($name, (delete($rest{$name}) // '') . substr $chunk, 0, $end);
        $rest{$name} = substr $chunk, $end if $end < length $chunk;
    } else {
        $rest{$name} .= $chunk;
        pass_lines($name, delete $rest{$name}) if length $rest{$name} > $whole_line;
    }
    return 1;
}

# Bytes of the host were written. A frame for each would cost as much as the message.
sub took {
    my ($name, $count) = @_;
    $written{$name} += $count;
    to_host('took', $name, delete $written{$name}) if $written{$name} >= 131072;
}

sub start_server {
    my ($name, $errors) = @_;
    pipe(my $in_read, my $in_write) && pipe(my $out_read, my $out_write) && pipe(my $told, my $tell) or return to_host('failed', $name, 'EMFILE no pipes are left');
    my ($err_read, $err_write);
    pipe($err_read, $err_write) if $errors;
    my $pid = fork;
    return to_host('failed', $name, 'EAGAIN no process could be started') if !defined $pid;
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD HUP INT TERM USR2);
        setpgrp 0, 0;
        open STDIN, '<&', $in_read;
        open STDOUT, '>&', $out_write;
        open STDERR, '>&', $err_write if $errors;
        no warnings;
        exec { $command[0] } @command;
        syswrite $tell, $! + 0;
        require POSIX;
        POSIX::_exit(127);
    }
    close $_ for $in_read, $out_write, $tell, $err_write // ();
    sysread $told, my $error, 20;
    if (length($error // '')) {
        waitpid $pid, 0;
        local $! = $error;
        my $code = $! == ENOENT ? 'ENOENT' : $! == EACCES ? 'EACCES' : "E$error";
        return to_host('failed', $name, "$code spawn $command[0] $code ($!)");
    }
    quiet($_) for $in_write, $out_read, $err_read // ();
    $server{$name} = { pid => $pid, in => $in_write, out => $out_read, err => $err_read, state => 'running', queue => '', own => 0 };
    ($server{$name}{in_fd}, $server{$name}{out_fd}, $server{$name}{err_fd}) = map { $_ && fileno $_ } $in_write, $out_read, $err_read;
    $changed = 1;
    $kept{$name} = [];
    to_host('started', $name, $pid);
}

sub obey {
    my ($kind, $name, $body) = @_;
    my $one = $server{$name};
    if ($kind eq 'lines') {
        if ($name eq '-') { $queue .= $body }
        elsif ($one && $one->{in}) { $one->{queue} .= $body }
        else { took($name, length $body) }
    } elsif ($kind eq 'keep') { $ledger{$name} = $body }
    elsif ($kind eq 'drop') { delete $ledger{$name} }
    elsif ($kind eq 'start') { start_server($name, $body eq 'errors') }
    elsif ($kind eq 'direct') {
        $direct{$name} = $body eq 'on';
        to_host('apart', $name) if !$direct{$name};
    }
    elsif ($kind eq 'open') {
        $open = $body eq 'on' ? $name : undef;
        to_host('shut', $name) if !defined $open;
    }
    elsif ($kind eq 'close') { $one->{closing} = 1 if $one; close_inputs() }
    elsif ($kind eq 'kill') { kill $body =~ s/^SIG//r, -$one->{pid} if $one }
    elsif ($kind eq 'say') { syswrite STDERR, $body }
    elsif ($kind eq 'exit') { $exit = $body }
}

# The host has dealt with so many frames of this connection.
sub done {
    my ($name, $all) = @_;
    for (splice @{ $kept{$name} // [] }, 0, $all - ($done{$name} // 0)) {
        $bytes{$name} -= length $_->[2];
        $indirect{$name}-- if $_->[0] eq 'lines';
    }
    $done{$name} = $all;
    forget($name) if $name ne '-';
}

# A server that is gone, and of which everything is dealt with.
sub forget {
    my ($name) = @_;
    my $one = $server{$name} or return;
    return if $one->{state} eq 'running' || $one->{err} || !$over{$name} || @{ $kept{$name} } || $alone;
    delete $_->{$name} for \%server, \%kept, \%bytes, \%done, \%rest, \%over, \%written, \%direct, \%indirect, \%within;
}

sub close_inputs {
    for my $one (values %server) {
        if ($one->{closing} && $one->{in} && !length $one->{queue}) {
            close $one->{in};
            $one->{in} = undef;
        }
    }
}

sub lose_host {
    close $host if $host;
    $host = undef;
    $changed = 1;
    return end_alone() if $over{'-'} || $signals;
    # A session that ends each host must not end those of others.
    @lost = ((grep { now() - $_ < 60 } @lost), $moved ? () : now());
    return if @lost < 4 && find_host(10) || $alone;
    if (socketpair(my $mine, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC)) {
        run_host($its);
        close $its;
        return if greet($mine, '', now() + 10);
    }
    end_alone();
}

sub grace { ($ledger{grace} // 10000) / 1000 }

# Ends the servers without a host: the end of their input, then SIGTERM, then SIGKILL. What they still write reaches the client.
sub end_alone {
    return if $alone;
    if ($host) { syswrite $host, frame('bye', '-'); close $host; $host = undef }
    $alone = $changed = 1;
    for my $name (sort { $a <=> $b } keys %server) {
        $queue .= join('', map { $_->[0] eq 'lines' ? $_->[2] : '' } @{ $kept{$name} }) . (delete($rest{$name}) // '');
        $kept{$name} = [];
        $server{$name}{closing} = 1;
        $server{$name}{queue} = '';
    }
    $kept{'-'} = [];
    close_inputs();
    @deadlines = (now() + grace(), now() + grace() + 5);
}

sub check_signals {
    sysread $wake, my $bytes, 100;
    for my $letter (split //, $bytes // '') {
        my $name = { H => 'HUP', I => 'INT', T => 'TERM', U => 'USR2' }->{$letter} or next;
        if ($letter ne 'U') {
            $_->{state} eq 'running' and kill $name, -$_->{pid} for values %server;
            $signals = $name;
        }
        to_host('signal', "SIG$name");
        input_ended() if $letter ne 'U';
    }
    while ((my $pid = waitpid -1, 1) > 0) {
        for my $name (keys %server) {
            next if $server{$name}{pid} != $pid || $server{$name}{state} ne 'running';
            my $signal = $? & 127;
            require Config if $signal;
            $server{$name}{state} = $signal ? 'signal SIG' . (split ' ', $Config::Config{sig_name})[$signal] : 'code ' . ($? >> 8);
            to_host('ended', $name, $server{$name}{state});
            forget($name);
        }
    }
}

# The host ends the session. Without one, or when it hangs, this process does.
sub input_ended {
    return end_alone() if !$host;
    $closed ||= now() + grace() + 8;
}

# A socket, and a pipe that is opened anew, are written without waiting for the client; others have to be asked first.
my $socket_out = -S STDOUT;
my $outlet = *STDOUT;
my $quick = $socket_out;
if (-p STDOUT && sysopen my $again, '/proc/self/fd/1', O_WRONLY | O_NONBLOCK) { ($outlet, $quick) = ($again, 1) }
$stuck = !$quick;

sub write_client {
    my $count = $socket_out ? send(STDOUT, length $queue > 262144 ? substr($queue, 0, 262144) : $queue, MSG_DONTWAIT) : syswrite($outlet, $queue, $quick ? 262144 : 4096);
    $count = length $queue if !defined $count && $! != EAGAIN && $! != EINTR;
    $stuck = 1;
    return if !$count;
    substr $queue, 0, $count, '';
    $stuck = length $queue || !$quick;
    my $passed = $own < $count ? $own : $count;
    $own -= $passed;
    took('-', $count - $passed) if $count > $passed;
}

sub write_server {
    my ($name, $one) = @_;
    my $count = syswrite $one->{in}, $one->{queue}, 65536;
    $count = length $one->{queue} if !defined $count && $! != EAGAIN && $! != EINTR;
    $one->{stuck} = !$count || $count < length $one->{queue};
    return if !$count;
    substr $one->{queue}, 0, $count, '';
    my $sent = $one->{own} < $count ? $one->{own} : $count;
    $one->{own} -= $sent;
    took($name, $count - $sent) if $count > $sent;
    close_inputs();
}

sub read_host {
    my $count = sysread $host, $in, 262144, length $in;
    return if !defined $count && ($! == EAGAIN || $! == EINTR);
    return lose_host() if !$count;
    ($heard, $pinged) = ($turned, 0);
    my $at = 0;
    # A match in the whole text would copy it.
    while ((my $end = index $in, "\n", $at) >= 0) {
        my ($kind, $name, $size) = substr($in, $at, $end - $at) =~ /^([a-z]+) (\S+) ([0-9]{1,9})$/ or return lose_host();
        my $start = $end + 1;
        last if length($in) < $start + $size;
        if ($kind eq 'commit') {
            obey(@$_) for splice @batch;
            my @done = split / /, substr $in, $start, $size;
            done(splice @done, 0, 2) while @done;
        }
        elsif ($kind eq 'over') { $moved = 1 }
        elsif ($kind ne 'pong') { push @batch, [$kind, $name, substr $in, $start, $size] }
        $at = $start + $size;
    }
    substr $in, 0, $at, '' if $at;
}

if (!find_host(1)) { alone() }
for my $pair (['HUP', 'H'], ['INT', 'I'], ['TERM', 'T'], ['USR2', 'U'], ['CHLD', 'C']) {
    my ($name, $letter) = @$pair;
    $SIG{$name} = sub { syswrite $waker, $letter };
}
my $wake_fd = fileno $wake;
my $checked = $turned = now();
my $turns = 0;
# What is read: it changes with what is open, and while a window is full.
my ($sources, $full);
sub gather_sources {
    ($sources, $full, $changed) = ('', length $queue > $window, 0);
    vec($sources, $wake_fd, 1) = 1;
    vec($sources, $host_fd, 1) = 1 if $host;
    if (!$over{'-'} && !$alone) {
        my $one = defined $open && $server{$open};
        ($bytes{'-'} // 0) <= $window && (!$one || length $one->{queue} <= $window) ? vec($sources, 0, 1) = 1 : ($full = 1);
    }
    for my $name (keys %server) {
        my $one = $server{$name};
        vec($sources, $one->{err_fd}, 1) = 1 if $one->{err};
        next if !$one->{out};
        ($bytes{$name} // 0) <= $window ? length $queue <= $window && (vec($sources, $one->{out_fd}, 1) = 1) : ($full = 1);
    }
}
until (defined $exit && !length $queue) {
    gather_sources() if $changed || $full || length $queue > $window;
    my ($read, $write) = ($sources, '');
    vec($write, 1, 1) = 1 if length $queue;
    vec($write, $host_fd, 1) = 1 if $hurry && $host && length $out;
    for my $one (values %server) {
        vec($write, $one->{in_fd}, 1) = 1 if length $one->{queue} && $one->{in};
    }
    my $waits = $host && length $out && !$hurry;
    my $ready = select $read, $write, undef, $alone ? 0.1 : $waits ? 0.02 : 5;
    $ready = 0 if $ready < 0;
    # A look at the clock costs as much as a small message.
    $turned = now() if !$ready && !$waits || $alone || $closed || ++$turns % 50 == 0;
    check_signals() if !$ready || vec $read, $wake_fd, 1;
    read_host() if $ready && $host && vec $read, $host_fd, 1;
    if ($ready) {
        $over{'-'} || $alone || !vec($read, 0, 1) || read_lines('-', *STDIN) || input_ended();
        for my $name (keys %server) {
            my $one = $server{$name} or next;
            if ($one->{out} && vec($read, $one->{out_fd}, 1) && !read_lines($name, $one->{out})) {
                close $one->{out};
                $one->{out} = undef;
                $changed = 1;
                forget($name);
            }
            if ($one->{err} && vec $read, $one->{err_fd}, 1) {
                my $count = sysread $one->{err}, my $text, 65536;
                if ($count) { $host ? to_host('errors', $name, $text) : syswrite STDERR, $text }
                elsif (defined $count) {
                    close $one->{err};
                    $one->{err} = undef;
                    $changed = 1;
                    to_host('silent', $name);
                    forget($name);
                }
            }
            # Most of the time there is room: one turn less for each call.
            write_server($name, $one) if $one->{in} && length $one->{queue} && (!$one->{stuck} || vec $write, $one->{in_fd}, 1);
        }
        write_client() if length $queue && (!$stuck || vec $write, 1, 1);
    }
    if ($host && length $out && ($hurry || $waits || length $out > 65536)) {
        my $count = syswrite $host, $out, 262144;
        substr $out, 0, $count, '' if $count;
        $hurry = length $out;
    }
    if ($alone) {
        my @left = grep { $_->{state} eq 'running' } values %server;
        kill 'TERM', map { -$_->{pid} } @left and $deadlines[0] = 9e9 if @left && $turned > ($deadlines[0] // 9e9);
        kill 'KILL', map { -$_->{pid} } @left and $deadlines[1] = 9e9 if @left && $turned > ($deadlines[1] // 9e9);
        my ($last) = sort { $b <=> $a } keys %server;
        $exit //= defined $last ? $server{$last}{state} : 'code 1' if !@left;
    } elsif ($closed && $turned > $closed) {
        end_alone();
    } elsif ($host && $turned - $checked > 5) {
        $checked = $turned;
        if ($pinged) { syswrite $host, frame('bye', '-'); lose_host() }
        elsif ($turned - $heard > 5 && grep { @$_ } values %kept) { $pinged = 1; to_host('ping', '-') }
    }
}
if ($exit =~ /^signal SIG(\w+)/) {
    $SIG{$1} = 'DEFAULT';
    kill $1, $$;
    sleep 1;
}
exit($exit =~ /(\d+)/ ? $1 : 1);
