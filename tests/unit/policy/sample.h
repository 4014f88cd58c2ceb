/* What the tests of src/policy share. */
#ifndef TONGZHOU_TESTS_POLICY_SAMPLE_H
#define TONGZHOU_TESTS_POLICY_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/policy.h"

/* Origins in form; nobody has them. */
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_C "bbbbccccccccccccccccaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static inline struct policy *sample_policy(const char *text)
{
    static struct policy_errors errors;
    struct policy *policy = NULL;
    struct err err = {0};
    if (policy_parse(span_str(text), &policy, &errors, &err) < 0)
        fail_msg("%s\n%s", err.text, text);
    return policy;
}

#endif
