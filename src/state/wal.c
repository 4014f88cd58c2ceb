#include "state/wal.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#define AGAIN_MS 10
#define WAL_HEADER 32        /* bytes */
#define WAL_FRAME_HEADER 24  /* page, size after a commit, two salts, two sums: big endian */
#define WAL_PAGE_MAX 65536   /* bytes */
#define WAL_INDEX_PAGE 32768 /* bytes: the first part of the index */

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

/* The beginning of the index, in the order of bytes of this machine. */
struct wal_index {
    uint32_t version, unused, change;
    uint8_t is_made, sums_big_endian;
    uint16_t page_size; /* 1: 65,536 */
    uint32_t last_frame, pages, sum[2];
    uint8_t salt[8]; /* as in the file */
};

struct wal_sum {
    uint32_t a, b;
    bool big_endian;
};

static uint32_t be32_load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sum_add(struct wal_sum *sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint32_t first = be32_load(bytes + i), second = be32_load(bytes + i + 4);
        if (!sum->big_endian) {
            first = __builtin_bswap32(first);
            second = __builtin_bswap32(second);
        }
        sum->a += first + sum->b;
        sum->b += second + sum->a;
    }
}

static bool wal_read(sqlite3_file *wal, void *out, size_t len, int64_t at)
{
    return wal->pMethods->xRead(wal, out, (int)len, at) == SQLITE_OK;
}

/* The sum that the next frame goes on from. At the beginning of a WAL the file has it, if it was begun at all. */
static bool sum_begin(sqlite3_file *wal, const struct wal_index *index, struct wal_sum *ret)
{
    uint8_t header[WAL_HEADER];
    *ret = (struct wal_sum){index->sum[0], index->sum[1], index->sums_big_endian != 0};
    if (index->last_frame > 0)
        return true;
    if (!wal_read(wal, header, sizeof(header), 0) || memcmp(header + 16, index->salt, sizeof(index->salt)) != 0)
        return false;
    *ret = (struct wal_sum){be32_load(header + 24), be32_load(header + 28), (header[3] & 1) != 0};
    return true;
}

static bool next_frame_fits(sqlite3_file *wal, const struct wal_index *index)
{
    uint8_t frame[WAL_FRAME_HEADER], page[WAL_PAGE_MAX];
    size_t page_size = index->page_size == 1 ? WAL_PAGE_MAX : index->page_size;
    sqlite3_int64 at = WAL_HEADER + (sqlite3_int64)index->last_frame * (sqlite3_int64)(WAL_FRAME_HEADER + page_size);
    sqlite3_int64 len = 0, end = at + (sqlite3_int64)(WAL_FRAME_HEADER + page_size);
    struct wal_sum sum;
    if (wal->pMethods->xFileSize(wal, &len) != SQLITE_OK || len < end || !wal_read(wal, frame, sizeof(frame), at) ||
        memcmp(frame + 8, index->salt, sizeof(index->salt)) != 0 || !sum_begin(wal, index, &sum) ||
        !wal_read(wal, page, page_size, at + WAL_FRAME_HEADER))
        return false;
    sum_add(&sum, frame, 8);
    sum_add(&sum, page, page_size);
    return sum.a == be32_load(frame + 16) && sum.b == be32_load(frame + 20);
}

bool wal_has_unshown(sqlite3 *db)
{
    sqlite3_file *file = NULL, *wal = NULL;
    volatile void *shown = NULL;
    struct wal_index index;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods ||
        sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK || !wal || !wal->pMethods ||
        file->pMethods->iVersion < 2 || file->pMethods->xShmMap(file, 0, WAL_INDEX_PAGE, 0, &shown) != SQLITE_OK ||
        !shown)
        return false;
    /* Only who holds the write lock changes it, and that is this connection. */
    memcpy(&index, (const void *)(uintptr_t)shown, sizeof(index));
    return next_frame_fits(wal, &index);
}
