#include "state/wal.h"

#include <stdint.h>
#include <time.h>

#define AGAIN_MS 10

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SQLite's busy timeout holds for readers and writers; of another checkpoint under way it says SQLITE_BUSY at once. */
int wal_truncate(sqlite3 *db, int wait_ms, int busy_ms)
{
    int64_t end_ms = now_ms() + wait_ms, left_ms = wait_ms;
    int rc;
    for (;;) {
        sqlite3_busy_timeout(db, (int)left_ms);
        rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        left_ms = end_ms - now_ms();
        if ((rc & 0xff) != SQLITE_BUSY || left_ms <= 0)
            break;
        sqlite3_sleep(AGAIN_MS);
    }
    sqlite3_busy_timeout(db, busy_ms);
    return rc;
}
