/* How certain an object says that it is: STIX 2.1, section 3.2, `confidence`. */
#include "security/fold.h"

#define SCORE_MAX 100

uint64_t security_score(const struct record *record)
{
    struct err unread;
    uint64_t score = UINT64_MAX;
    json_t *object = json_small_load(record->body, &unread);
    const json_t *confidence = object ? json_object_get(object, "confidence") : NULL;
    if (json_is_integer(confidence) && json_integer_value(confidence) >= 0 &&
        json_integer_value(confidence) <= SCORE_MAX)
        score = (uint64_t)json_integer_value(confidence);
    json_decref(object);
    return score;
}
