/* The two clocks of the running node. */
#ifndef TONGZHOU_NODE_CLOCK_H
#define TONGZHOU_NODE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* For waiting: it goes on whatever happens to the clock on the wall. */
static inline int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For what is said and told: the clock on the wall. */
static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
