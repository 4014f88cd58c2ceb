#include "base/when.h"

#include <assert.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)

/*
 * The Gregorian calendar repeats every 400 years, which have 146,097 days. Years begin in March here, so that
 * the leap day is a year's last and month lengths follow the pattern (153 m + 2) / 5.
 */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t era = y / 400, in_era = y % 400;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097, in_era = shifted % 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(era * 400 + y + (m >= 10));
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_days(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

void when_format(int64_t ms, char out[WHEN_TEXT_LEN + 1])
{
    assert(ms >= 0 && ms <= WHEN_MAX_MS);
    int year, month, day;
    date_from_days(ms / DAY_MS, &year, &month, &day);
    int rest = (int)(ms % DAY_MS);
    char text[64];
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day, rest / 3600000,
             rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
    memcpy(out, text, WHEN_TEXT_LEN);
    out[WHEN_TEXT_LEN] = '\0';
}

/* `count` digits at *pos, passed; -1 if they are not there. */
static int64_t digits(struct span text, size_t *pos, size_t count)
{
    if (text.len - *pos < count)
        return -1;
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = text.data[*pos + i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *pos += count;
    return value;
}

/* One of the characters of `set` at *pos, passed. */
static bool one_of(struct span text, size_t *pos, const char *set)
{
    if (*pos >= text.len || text.data[*pos] == '\0' || !strchr(set, text.data[*pos]))
        return false;
    (*pos)++;
    return true;
}

static bool date(struct span text, size_t *pos, int64_t *ret_ms)
{
    int64_t year = digits(text, pos, 4);
    if (year < 0 || !one_of(text, pos, "-"))
        return false;
    int64_t month = digits(text, pos, 2);
    if (month < 1 || month > 12 || !one_of(text, pos, "-"))
        return false;
    int64_t day = digits(text, pos, 2);
    if (day < 1 || day > month_days(year, month))
        return false;
    *ret_ms = days_from_date(year, month, day) * DAY_MS;
    return true;
}

/* hh:mm:ss; `second_max` is 60 where leap seconds are admitted: they count as the second that follows. */
static bool clock_time(struct span text, size_t *pos, int64_t second_max, int64_t *ret_ms)
{
    int64_t hour = digits(text, pos, 2);
    if (hour < 0 || hour > 23 || !one_of(text, pos, ":"))
        return false;
    int64_t minute = digits(text, pos, 2);
    if (minute < 0 || minute > 59 || !one_of(text, pos, ":"))
        return false;
    int64_t second = digits(text, pos, 2);
    if (second < 0 || second > second_max)
        return false;
    *ret_ms += ((hour * 60 + minute) * 60 + second) * 1000;
    return true;
}

bool when_parse(struct span text, int64_t *ret_ms)
{
    size_t pos = 0;
    int64_t ms = 0;
    if (text.len != WHEN_TEXT_LEN || !date(text, &pos, &ms) || !one_of(text, &pos, "T") ||
        !clock_time(text, &pos, 59, &ms) || !one_of(text, &pos, "."))
        return false;
    int64_t fraction = digits(text, &pos, 3);
    if (fraction < 0 || !one_of(text, &pos, "Z") || ms + fraction < 0)
        return false;
    *ret_ms = ms + fraction;
    return true;
}

/* Nothing, or a point and 1 to 9 digits. */
static bool loose_fraction(struct span text, size_t *pos, int64_t *ms)
{
    if (!one_of(text, pos, "."))
        return true;
    int64_t scale = 100;
    size_t count = 0;
    for (; *pos < text.len && text.data[*pos] >= '0' && text.data[*pos] <= '9'; count++, scale /= 10)
        *ms += (text.data[(*pos)++] - '0') * scale;
    return count >= 1 && count <= 9;
}

/* Z, or +hh:mm, or -hh:mm: what must be subtracted to reach UTC. */
static bool loose_offset(struct span text, size_t *pos, int64_t *ms)
{
    if (one_of(text, pos, "Zz"))
        return true;
    int64_t sign = *pos < text.len && text.data[*pos] == '-' ? 1 : -1;
    if (!one_of(text, pos, "+-"))
        return false;
    int64_t hours = digits(text, pos, 2);
    if (hours < 0 || hours > 23 || !one_of(text, pos, ":"))
        return false;
    int64_t minutes = digits(text, pos, 2);
    if (minutes < 0 || minutes > 59)
        return false;
    *ms += sign * (hours * 60 + minutes) * 60000;
    return true;
}

bool when_parse_loose(struct span text, int64_t *ret_ms)
{
    size_t pos = 0;
    int64_t ms = 0;
    if (!date(text, &pos, &ms))
        return false;
    if (pos < text.len && (!one_of(text, &pos, "Tt ") || !clock_time(text, &pos, 60, &ms) ||
                           !loose_fraction(text, &pos, &ms) || !loose_offset(text, &pos, &ms)))
        return false;
    if (pos != text.len || ms < 0 || ms > WHEN_MAX_MS)
        return false;
    *ret_ms = ms;
    return true;
}
