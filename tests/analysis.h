/*
 * What tests/analyze tells tools that see one file at a time: a reported error is negative, and it is in err->code.
 * Without this they follow paths that do not exist. Included in front of every source but src/base/err.c, in no real
 * build. Macros, since no analyser looks into a function with `...`.
 */
#ifndef TONGZHOU_ANALYSIS_H
#define TONGZHOU_ANALYSIS_H

#include <stdio.h>

#include "base/err.h"

static inline int analysed_known(struct err *err, int code)
{
    if (code >= 0)
        __builtin_unreachable();
    err->code = code;
    return code;
}

#define analysed_use(...) (void)snprintf(NULL, 0, __VA_ARGS__)
#define err_set(err, code, ...) (analysed_use(__VA_ARGS__), analysed_known(err, code))
#define err_sys(err, ...) (analysed_use(__VA_ARGS__), analysed_known(err, (err)->code))
#define err_in(err, ...) (analysed_use(__VA_ARGS__), analysed_known(err, (err)->code))
#define err_memory(err) analysed_known(err, ERR_MEMORY)

#endif
