#include "state/secret.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "state/disk.h"

/* `others`: the bits of a mode that nobody may have. */
static int read_file(const char *path, mode_t others, uint8_t *out, size_t max, size_t *ret_len, struct err *err)
{
    /* Of a pipe nobody may ever open the other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, "%s", path);
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) != 0)
        rc = err_sys(err, "%s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, ERR_REFUSED, "%s: no regular file", path);
    else if (st.st_mode & others)
        rc = err_set(err, ERR_REFUSED, "%s: others may read it (mode %03o): run `chmod 600 %s`", path,
                     st.st_mode & 0777, path);
    else if (st.st_size < 1 || (uint64_t)st.st_size > max)
        rc = err_set(err, ERR_SYNTAX, "%s: %lld bytes, 1..%zu allowed", path, (long long)st.st_size, max);
    else
        rc = disk_pread(fd, out, (size_t)st.st_size, 0, path, err);
    if (!rc)
        *ret_len = (size_t)st.st_size;
    close(fd);
    return rc;
}

int secret_read(const char *path, uint8_t *out, size_t max, size_t *ret_len, struct err *err)
{
    return read_file(path, 077, out, max, ret_len, err);
}

/* systemd lets a service's user in by an access list, which stands in the group's bits of the mode. */
static int read_credential(const char *name, uint8_t *out, size_t max, size_t *ret_len, struct err *err)
{
    char path[PATH_MAX];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || folder[0] != '/')
        return err_set(err, ERR_NOTFOUND, "no credential %s", name);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", folder);
    return read_file(path, 07, out, max, ret_len, err);
}

static int take_line(struct span line, const char *name, char out[SECRET_LINE_MAX + 1], struct err *err)
{
    if (line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    bool is_line = line.len > 0 && line.len <= SECRET_LINE_MAX && utf8_valid(line);
    for (size_t i = 0; i < line.len && is_line; i++)
        is_line = line.data[i] >= ' ' && line.data[i] != 0x7f;
    if (!is_line)
        return err_set(err, ERR_SYNTAX, "%s: one line of 1..%d bytes of text expected", name, SECRET_LINE_MAX);
    memcpy(out, line.data, line.len);
    out[line.len] = '\0';
    return 0;
}

int secret_line_of(const char *path, char out[SECRET_LINE_MAX + 1], struct err *err)
{
    uint8_t bytes[SECRET_LINE_MAX + 2];
    size_t len = 0;
    int rc = secret_read(path, bytes, sizeof bytes, &len, err);
    if (!rc)
        rc = take_line(span_of(bytes, len), path, out, err);
    sodium_memzero(bytes, sizeof bytes);
    return rc;
}

static int key_path(const char *dir, const char *name, char out[PATH_MAX], struct err *err)
{
    int len = snprintf(out, PATH_MAX, "%s/keys/%s", dir, name);
    return len > 0 && len < PATH_MAX ? 0 : err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
}

int secret_line(const char *dir, const char *name, char out[SECRET_LINE_MAX + 1], struct err *err)
{
    char path[PATH_MAX];
    uint8_t bytes[SECRET_LINE_MAX + 2];
    size_t len = 0;
    int rc = read_credential(name, bytes, sizeof bytes, &len, err);
    if (rc == ERR_NOTFOUND && dir) {
        rc = key_path(dir, name, path, err);
        if (!rc)
            rc = secret_read(path, bytes, sizeof bytes, &len, err);
    }
    if (!rc)
        rc = take_line(span_of(bytes, len), name, out, err);
    sodium_memzero(bytes, sizeof bytes);
    return rc;
}

int secret_put(const char *dir, const char *name, struct span line, struct err *err)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/keys", dir) >= (int)sizeof folder)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    return disk_replace(folder, name, line, err);
}

void secret_drop(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct err none = {0};
    if (key_path(dir, name, path, &none) == 0)
        (void)unlink(path);
}
