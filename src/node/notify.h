/*
 * Word to the service manager that started us, over the datagram socket that it named in $NOTIFY_SOCKET: systemd's protocol,
 * sd_notify(3). Without that variable all of this does nothing.
 */
#ifndef TONGZHOU_NODE_NOTIFY_H
#define TONGZHOU_NODE_NOTIFY_H

#include <stdint.h>

struct notify {
    int fd;              /* -1: nobody to tell */
    int64_t watchdog_ms; /* it wants to hear from us that often; 0: it does not */
};

/* Before the sandbox is entered: an abstract socket cannot be reached from inside. The variables are taken out. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/* "READY=1", "STOPPING=1", "WATCHDOG=1": lines of NAME=VALUE. What it does not take is lost. */
void notify_send(const struct notify *notify, const char *lines);

/* "RELOADING=1" with the time that belongs to it; READY=1 follows when it is done. */
void notify_reloading(const struct notify *notify);

#endif
