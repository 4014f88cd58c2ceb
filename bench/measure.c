/*
 * Run a command and say what it took: measure FILE COMMAND [ARGUMENT]...
 *
 * FILE receives one JSON object: seconds from start to end, processor seconds, peak resident memory, exit status.
 * Ends with the command's own exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void die(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(2);
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int wait_status;
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND [ARGUMENT]...\n");
        return 2;
    }
    double begun = now_s();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        execvp(argv[2], argv + 2);
        die(argv[2]);
    }
    while (wait4(child, &wait_status, 0, &usage) < 0)
        if (errno != EINTR)
            die("wait4");
    double seconds = now_s() - begun;
    int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    FILE *file = fopen(argv[1], "w");
    if (!file)
        die(argv[1]);
    fprintf(file, "{\"seconds\":%.3f,\"processor_seconds\":%.3f,\"peak_kb\":%ld,\"status\":%d}\n", seconds,
            seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), usage.ru_maxrss, status);
    if (fclose(file) != 0)
        die(argv[1]);
    return status;
}
