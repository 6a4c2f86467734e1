# The same as contender.ts in Python's own words: contender.py LOCK LOG SEED
import fcntl, os, random, signal, sys, time

path, log, seed = sys.argv[1:4]
random.seed(int(seed))


def say(line):
    fd = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.write(fd, (line + "\n").encode())
    os.close(fd)


n = 0
while True:
    n += 1
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        me = "%d.%d" % (os.getpid(), n)
        say("E %s python" % me)
        time.sleep(random.random() * 0.004)
        if random.random() < 0.12:
            say("S " + me)
            os.kill(os.getpid(), signal.SIGKILL)
        say("X " + me)
    except BlockingIOError:
        pass
    os.close(fd)
    time.sleep(0.001 + random.random() * 0.012)
