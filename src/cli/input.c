#include "cli/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BLOCK (256u << 10) /* bytes a read: above it nothing gets faster */

struct input {
    char *name;
    int fd;
    uint64_t size, position;
    struct archive *archive; /* NULL: plain */
    bool empty;              /* nothing is packed in it, as in a log rotated on a quiet day */
    uint8_t head[8];         /* first bytes, looked at for a magic number, given out first */
    size_t head_len, head_at;
    uint8_t block[INPUT_BLOCK];
};

static int64_t read_fd(struct input *input, uint8_t *out, size_t max, struct err *err)
{
    for (;;) {
        ssize_t got = read(input->fd, out, max);
        if (got >= 0) {
            input->position += (uint64_t)got;
            return got;
        }
        if (errno != EINTR)
            return err_sys(err, "%s: read", input->name);
    }
}

static int64_t read_raw(struct input *input, uint8_t *out, size_t max, struct err *err)
{
    if (input->head_at < input->head_len) {
        size_t len = input->head_len - input->head_at;
        len = len < max ? len : max;
        memcpy(out, input->head + input->head_at, len);
        input->head_at += len;
        return (int64_t)len;
    }
    return read_fd(input, out, max, err);
}

static la_ssize_t archive_pull(struct archive *archive, void *ctx, const void **ret)
{
    struct input *input = ctx;
    struct err err = {0};
    int64_t got = read_raw(input, input->block, sizeof(input->block), &err);
    *ret = input->block;
    if (got < 0)
        archive_set_error(archive, EIO, "%s", err.text);
    return (la_ssize_t)got;
}

/* gzip, zstd, xz, bzip2 by their magic numbers. */
static bool is_compressed(const uint8_t *head, size_t len)
{
    return (len >= 2 && head[0] == 0x1f && head[1] == 0x8b) || (len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) ||
           (len >= 6 && memcmp(head,
                               "\xfd"
                               "7zXZ\0",
                               6) == 0) ||
           (len >= 3 && memcmp(head, "BZh", 3) == 0);
}

static int not_unpacked(const struct input *input, struct err *err)
{
    const char *text = archive_error_string(input->archive);
    return err_set(err, ERR_SYNTAX, "%s: cannot be unpacked: %s", input->name, text ? text : "cut off or damaged");
}

static int open_archive(struct input *input, struct err *err)
{
    struct archive_entry *entry;
    input->archive = archive_read_new();
    if (!input->archive)
        return err_memory(err);
    archive_read_support_filter_gzip(input->archive);
    archive_read_support_filter_zstd(input->archive);
    archive_read_support_filter_xz(input->archive);
    archive_read_support_filter_bzip2(input->archive);
    archive_read_support_format_raw(input->archive);
    archive_read_support_format_empty(input->archive);
    int result = archive_read_open(input->archive, input, NULL, archive_pull, NULL);
    if (result == ARCHIVE_OK)
        result = archive_read_next_header(input->archive, &entry);
    input->empty = result == ARCHIVE_EOF;
    /* Its first bytes were those of something packed: if nothing unpacks it, the rest of its header is missing. */
    bool is_packed = archive_filter_code(input->archive, 0) != ARCHIVE_FILTER_NONE;
    return (result == ARCHIVE_OK || result == ARCHIVE_EOF) && is_packed ? 0 : not_unpacked(input, err);
}

static int open_file(struct input *input, const char *path, struct err *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0) {
        input->fd = dup(STDIN_FILENO);
    } else {
        input->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (input->fd < 0)
        return err_sys(err, "%s", input->name);
    if (fstat(input->fd, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return err_set(err, ERR_USAGE, "%s: is a folder; name its files", input->name);
        input->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    }
    return 0;
}

int input_open(const char *path, bool plain, struct input **ret, struct err *err)
{
    struct input *input = calloc(1, sizeof(*input));
    if (!input)
        return err_memory(err);
    input->fd = -1;
    int rc = 0;
    input->name = strdup(strcmp(path, "-") == 0 ? "(standard input)" : path);
    if (!input->name)
        rc = err_memory(err);
    if (!rc)
        rc = open_file(input, path, err);
    while (!rc && !plain && input->head_len < sizeof(input->head)) {
        int64_t got = read_fd(input, input->head + input->head_len, sizeof(input->head) - input->head_len, err);
        if (got < 0)
            rc = (int)got;
        if (got <= 0)
            break;
        input->head_len += (size_t)got;
    }
    if (!rc && !plain && is_compressed(input->head, input->head_len))
        rc = open_archive(input, err);
    if (rc) {
        input_close(input);
        return rc;
    }
    *ret = input;
    return 0;
}

void input_close(struct input *input)
{
    if (!input)
        return;
    if (input->archive)
        archive_read_free(input->archive);
    if (input->fd >= 0)
        close(input->fd);
    free(input->name);
    free(input);
}

int64_t input_read(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct input *input = ctx;
    if (!input->archive)
        return read_raw(input, out, max, err);
    la_ssize_t got = input->empty ? 0 : archive_read_data(input->archive, out, max);
    return got < 0 ? not_unpacked(input, err) : got;
}

const char *input_name(const struct input *input)
{
    return input->name;
}

uint64_t input_size(const struct input *input)
{
    return input->size;
}

uint64_t input_position(const struct input *input)
{
    return input->position;
}

int input_slurp(const char *path, size_t max, struct buf *out, struct err *err)
{
    struct input *input;
    int rc = input_open(path, true, &input, err);
    if (rc)
        return rc;
    static uint8_t piece[65536];
    for (;;) {
        int64_t got = input_read(input, piece, sizeof(piece), err);
        if (got <= 0) {
            rc = (int)got;
            break;
        }
        if (out->len + (size_t)got > max) {
            rc = err_set(err, ERR_LIMIT, "%s: more than %zu bytes, the limit", input->name, max);
            break;
        }
        buf_add(out, piece, (size_t)got);
    }
    if (!rc)
        rc = buf_check(out, input->name, err);
    input_close(input);
    return rc;
}
