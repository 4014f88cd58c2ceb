#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* snprintf may cut inside a character: drop the incomplete UTF-8 sequence at the end. */
static void cut_at_character(char *text, size_t cap, int wanted)
{
    if (wanted < 0 || (size_t)wanted < cap)
        return;
    size_t len = strlen(text), start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > 1 && len - (start - 1) < need)
        text[start - 1] = '\0';
}

static void write_text(struct err *err, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

static void write_text(struct err *err, const char *fmt, va_list args)
{
    /* Not in place: an argument may point into the old text. */
    char text[ERR_TEXT_MAX];
    int wanted = vsnprintf(text, sizeof(text), fmt, args);
    if (wanted < 0)
        text[0] = '\0';
    cut_at_character(text, sizeof(text), wanted);
    memcpy(err->text, text, strlen(text) + 1);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_text(err, fmt, args);
    va_end(args);
    err->code = code;
    return code;
}

static int code_of_errno(int number)
{
    switch (number) {
    case ENOMEM:
        return ERR_MEMORY;
    case ENOENT:
        return ERR_NOTFOUND;
    default:
        return ERR_IO;
    }
}

int err_sys(struct err *err, const char *fmt, ...)
{
    int number = errno;
    va_list args;
    va_start(args, fmt);
    write_text(err, fmt, args);
    va_end(args);

    char reason[128];
    const char *reason_text = strerror_r(number, reason, sizeof(reason));
    size_t len = strlen(err->text);
    int wanted = snprintf(err->text + len, sizeof(err->text) - len, ": %s", reason_text);
    cut_at_character(err->text, sizeof(err->text) - len, wanted);
    err->code = code_of_errno(number);
    errno = number;
    return err->code;
}

int err_in(struct err *err, const char *fmt, ...)
{
    char old[ERR_TEXT_MAX];
    memcpy(old, err->text, sizeof(old));
    old[sizeof(old) - 1] = '\0';

    va_list args;
    va_start(args, fmt);
    write_text(err, fmt, args);
    va_end(args);

    size_t len = strlen(err->text);
    int wanted = snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
    cut_at_character(err->text, sizeof(err->text) - len, wanted);
    return err->code;
}

int err_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}
