#include "http/ahead.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/reader.h"
#include "base/sha256.h"
#include "state/disk.h"

#define AHEAD_FILE "signed"
#define AHEAD_LINE (64 + 1 + 20 + 1) /* bytes */
#define AHEAD_MORE_S 10
#define AHEAD_FAR_S 600 /* what is beyond was never taken: our clock was set back since */

struct line {
    uint8_t hash[32]; /* of the origin */
    int64_t until_s;  /* 0: free */
};

struct ahead {
    char dir[PATH_MAX];
    struct line now[AHEAD_MAX], before[AHEAD_MAX]; /* before: as it was when this process began */
};

static struct line *line_of(struct line *lines, const uint8_t hash[32])
{
    for (size_t i = 0; i < AHEAD_MAX; i++)
        if (lines[i].until_s != 0 && memcmp(lines[i].hash, hash, 32) == 0)
            return &lines[i];
    return NULL;
}

static void read_lines(struct ahead *ahead, struct span text, int64_t now_s)
{
    struct reader reader;
    size_t count = 0;
    reader_init(&reader, text);
    while (!reader_end(&reader) && count < AHEAD_MAX) {
        struct span line = reader_line(&reader, AHEAD_LINE);
        uint64_t until;
        struct line *to = &ahead->before[count];
        if (line.len < 66 || !hex_decode(span_sub(line, 0, 64), to->hash, 32) ||
            !span_u64(span_sub(line, 65, line.len), INT64_MAX, &until) || (int64_t)until > now_s + AHEAD_FAR_S)
            continue;
        to->until_s = (int64_t)until;
        count++;
    }
}

int ahead_open(const char *dir, int64_t now_s, struct ahead **ret, struct err *err)
{
    char path[PATH_MAX], text[AHEAD_MAX * AHEAD_LINE];
    struct ahead *ahead = calloc(1, sizeof(*ahead));
    if (!ahead)
        return err_memory(err);
    if (snprintf(ahead->dir, sizeof(ahead->dir), "%s", dir) >= (int)sizeof(ahead->dir) ||
        snprintf(path, sizeof(path), "%s/" AHEAD_FILE, dir) >= (int)sizeof(path)) {
        free(ahead);
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    }
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
    if (file)
        fclose(file);
    read_lines(ahead, span_of(text, len), now_s);
    memcpy(ahead->now, ahead->before, sizeof(ahead->now));
    *ret = ahead;
    return 0;
}

void ahead_close(struct ahead *ahead)
{
    free(ahead);
}

int64_t ahead_before(const struct ahead *ahead, struct span origin)
{
    uint8_t hash[32];
    int64_t until = 0;
    sha256_once(origin, hash);
    for (size_t i = 0; i < AHEAD_MAX; i++)
        if (ahead->before[i].until_s > until && memcmp(ahead->before[i].hash, hash, 32) == 0)
            until = ahead->before[i].until_s;
    return until;
}

static int write_lines(const struct ahead *ahead, struct err *err)
{
    char text[AHEAD_MAX * AHEAD_LINE + 1];
    size_t len = 0;
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        if (ahead->now[i].until_s == 0)
            continue;
        hex_encode(ahead->now[i].hash, 32, text + len);
        len += 64;
        len += (size_t)snprintf(text + len, sizeof(text) - len, " %lld\n", (long long)ahead->now[i].until_s);
    }
    return disk_replace(ahead->dir, AHEAD_FILE, span_of(text, len), err);
}

int ahead_note(struct ahead *ahead, struct span origin, int64_t created_s, int64_t now_s, struct err *err)
{
    uint8_t hash[32];
    sha256_once(origin, hash);
    struct line *line = line_of(ahead->now, hash);
    if (line && created_s <= line->until_s)
        return 0;
    for (size_t i = 0; i < AHEAD_MAX && !line; i++)
        if (ahead->now[i].until_s < now_s) /* free, or its time has come */
            line = &ahead->now[i];
    if (!line)
        return err_set(err, ERR_LIMIT, "more than %d members whose clocks are ahead", AHEAD_MAX);
    struct line was = *line;
    memcpy(line->hash, hash, 32);
    line->until_s = created_s + AHEAD_MORE_S;
    int rc = write_lines(ahead, err);
    if (rc < 0)
        *line = was;
    return rc;
}
