/*
 * Secrets that an operator hands in: as files that nobody else may read, or as systemd credentials (systemd.exec(5),
 * LoadCredential=), whose folder $CREDENTIALS_DIRECTORY names.
 */
#ifndef TONGZHOU_STATE_SECRET_H
#define TONGZHOU_STATE_SECRET_H

#include "base/err.h"
#include "base/span.h"

/* A small file. ERR_NOTFOUND; ERR_REFUSED no regular file, or others may read it; ERR_SYNTAX empty, or more than `max`. */
int secret_read(const char *path, uint8_t *out, size_t max, size_t *ret_len, struct err *err);

#define SECRET_LINE_MAX 1024 /* bytes */

/* The one line of text in a file, without its end: as secret_read; ERR_SYNTAX also control characters. Wipe it after use. */
int secret_line_of(const char *path, char out[SECRET_LINE_MAX + 1], struct err *err);

/*
 * One line of text, without its end: the credential NAME, or else, if `dir` is not NULL, the file DIR/keys/NAME.
 * ERR_NOTFOUND if neither is there. Wipe it after use.
 */
int secret_line(const char *dir, const char *name, char out[SECRET_LINE_MAX + 1], struct err *err);

/* The file DIR/keys/NAME, written whole and synced or not at all; gone (no error if it was not there). */
int secret_put(const char *dir, const char *name, struct span line, struct err *err);
void secret_drop(const char *dir, const char *name);

#endif
