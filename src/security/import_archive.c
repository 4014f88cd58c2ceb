/* Compressed sources and archives, by libarchive. Nothing is written to disk. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/utf8.h"
#include "security/import_impl.h"

#define PIECE_MAX 65536 /* bytes handed to libarchive at once */

struct unpack {
    struct import_run *run;
    struct archive *archive;
    import_read *read;
    void *read_ctx;
    struct err err; /* of read, or no patience with it */
    uint64_t packed, unpacked, members;
    const char *over; /* the bound that was passed, or NULL */
    uint8_t piece[PIECE_MAX];
};

bool import_is_packed(struct span head)
{
    static const struct {
        size_t at, len;
        const char *magic;
    } kinds[] = {
        {0, 2, "\x1f\x8b"},
        {0, 6,
         "\xfd"
         "7zXZ\0"},
        {0, 4, "\x28\xb5\x2f\xfd"},
        {0, 3, "BZh"},
        {0, 4, "PK\x03\x04"},
        {257, 5, "ustar"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (span_eq(span_sub(head, kinds[i].at, kinds[i].len), span_of(kinds[i].magic, kinds[i].len)))
            return true;
    return false;
}

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **ret)
{
    struct unpack *unpack = ctx;
    int64_t count = unpack->read(unpack->read_ctx, unpack->piece, sizeof(unpack->piece), &unpack->err);
    if (count >= 0 && run_go_on(unpack->run, 0, &unpack->err) < 0)
        count = unpack->err.code;
    if (count < 0) {
        archive_set_error(archive, EIO, "reading failed");
        return ARCHIVE_FATAL;
    }
    unpack->packed += (uint64_t)count;
    *ret = unpack->piece;
    return (la_ssize_t)count;
}

static void check_bounds(struct unpack *unpack)
{
    if (unpack->unpacked > IMPORT_UNPACKED_MAX)
        unpack->over = "it unpacks to more than 8 GiB";
    else if (unpack->unpacked > IMPORT_RATIO_FROM && unpack->unpacked / IMPORT_RATIO_MAX > unpack->packed)
        unpack->over = "it unpacks to more than 1,000 times its size";
    else if (unpack->members > IMPORT_MEMBERS_MAX)
        unpack->over = "it has more than 100,000 members";
}

static int unpack_bad(struct unpack *unpack, struct err *err)
{
    char reason[ERR_TEXT_MAX], shown[256];
    const char *text = archive_error_string(unpack->archive);
    if (unpack->err.code < 0) {
        *err = unpack->err;
        return err->code;
    }
    snprintf(reason, sizeof(reason), "the archive cannot be unpacked any further: %s",
             unpack->over ? unpack->over
                          : text_escape_into(shown, sizeof(shown), span_str(text ? text : "cut off or damaged")));
    if (unpack->run->options->feed)
        return err_set(err, unpack->over ? ERR_LIMIT : ERR_SYNTAX, "%s", reason);
    unpack->run->incomplete = true;
    return run_bad(unpack->run, 0, unpack->packed, reason, err);
}

/* import_read of one member. A damaged member ends like a file that is cut off; the archive's end is reported then. */
static int64_t member_read(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct unpack *unpack = ctx;
    if (unpack->over)
        return 0;
    la_ssize_t count = archive_read_data(unpack->archive, out, max);
    if (count < 0) {
        if (unpack->err.code < 0) {
            *err = unpack->err;
            return err->code;
        }
        unpack->over = "its data is damaged or cut off";
        return 0;
    }
    unpack->unpacked += (uint64_t)count;
    check_bounds(unpack);
    return (int64_t)count;
}

/*
 * Pass what is left of a member. libarchive would do so by itself, but without an end: a read-me of terabytes packs well.
 * What is wrong with it the next header says.
 */
static int pass_over(struct unpack *unpack, struct err *err)
{
    const void *block;
    size_t len;
    la_int64_t at;
    int rc = 0, result = ARCHIVE_OK;
    while (rc == 0 && !unpack->over && result != ARCHIVE_EOF) {
        result = archive_read_data_block(unpack->archive, &block, &len, &at);
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
            break;
        unpack->unpacked += len;
        check_bounds(unpack);
        rc = run_go_on(unpack->run, len, err);
    }
    return rc;
}

static bool ends_with(struct span name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && strncasecmp((const char *)name.data + name.len - len, end, len) == 0;
}

/* What stands in archives beside the data. */
static bool is_data(struct span path)
{
    static const char *const others[] = {".py",  ".pyc", ".sh",  ".md",  ".rst", ".html", ".yml", ".yaml",
                                         ".cfg", ".ini", ".png", ".jpg", ".pdf", ".asc",  ".sig"};
    static const char *const names[] = {"license", "licence", "copying", "readme", "notice", "changelog", "."};
    struct span name = path;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] == '/')
            name = span_sub(path, i + 1, path.len);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (ends_with(name, others[i]))
            return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (name.len >= strlen(names[i]) && strncasecmp((const char *)name.data, names[i], strlen(names[i])) == 0)
            return false;
    return name.len > 0 && !span_starts(path, SPAN_LIT("__MACOSX/"));
}

static int take_member(struct unpack *unpack, struct archive_entry *entry,
                       int (*file)(struct import_run *run, struct span name, import_read *read, void *read_ctx,
                                   struct err *err),
                       struct err *err)
{
    const char *path = archive_entry_pathname_utf8(entry);
    bool raw = archive_format(unpack->archive) == ARCHIVE_FORMAT_RAW;
    if (!path)
        path = archive_entry_pathname(entry);
    struct span name = raw ? (struct span){0} : span_str(path ? path : "(no name)");
    unpack->run->member = name;
    int rc = 0;
    if (raw || (archive_entry_filetype(entry) == AE_IFREG && is_data(name)))
        rc = file(unpack->run, name, member_read, unpack, err);
    if (rc == 0)
        rc = pass_over(unpack, err);
    unpack->run->member = (struct span){0};
    return rc;
}

/* The first bytes were those of something packed, but libarchive takes it for plain text: most of its header is missing. */
static bool is_unpackable(const struct unpack *unpack)
{
    return archive_format(unpack->archive) == ARCHIVE_FORMAT_RAW &&
           archive_filter_code(unpack->archive, 0) == ARCHIVE_FILTER_NONE;
}

static int open_archive(struct unpack *unpack, struct err *err)
{
    struct archive *archive = archive_read_new();
    unpack->archive = archive;
    if (!archive)
        return err_memory(err);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip_streamable(archive);
    archive_read_support_format_raw(archive);
    archive_read_support_format_empty(archive);
    return archive_read_open(archive, unpack, NULL, on_read, NULL) == ARCHIVE_OK ? 0 : unpack_bad(unpack, err);
}

int import_unpack(struct import_run *run, import_read *read, void *read_ctx,
                  int (*file)(struct import_run *run, struct span name, import_read *read, void *read_ctx,
                              struct err *err),
                  struct err *err)
{
    struct archive_entry *entry;
    struct unpack *unpack = calloc(1, sizeof(*unpack));
    if (!unpack)
        return err_memory(err);
    *unpack = (struct unpack){.run = run, .read = read, .read_ctx = read_ctx};
    int rc = open_archive(unpack, err), result = ARCHIVE_OK;
    while (rc == 0 && !run->incomplete) {
        result = archive_read_next_header(unpack->archive, &entry);
        if (result == ARCHIVE_EOF)
            break;
        unpack->members++;
        check_bounds(unpack);
        if (is_unpackable(unpack))
            unpack->over = "its beginning is cut off or damaged";
        else if (result == ARCHIVE_OK || result == ARCHIVE_WARN)
            rc = take_member(unpack, entry, file, err);
        if (rc == 0 && (unpack->over || (result != ARCHIVE_OK && result != ARCHIVE_WARN)))
            rc = unpack_bad(unpack, err);
    }
    if (unpack->archive)
        archive_read_free(unpack->archive);
    free(unpack);
    return rc;
}
