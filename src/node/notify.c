#include "node/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX 128

static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    if (len < 2 || len >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@'))
        return -1;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void notify_open(struct notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    *notify = (struct notify){.fd = name ? connect_to(name) : -1};
    if (notify->fd >= 0 && usec && (!pid || strtol(pid, NULL, 10) == (long)getpid()))
        notify->watchdog_ms = strtoll(usec, NULL, 10) / 1000;
    if (notify->watchdog_ms < 0)
        notify->watchdog_ms = 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *lines)
{
    if (notify->fd >= 0)
        (void)!send(notify->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_reloading(const struct notify *notify)
{
    struct timespec now;
    char lines[LINES_MAX];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify_send(notify, lines);
}
