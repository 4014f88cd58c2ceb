/* Translations: GNU gettext .mo catalogues, looked up in place. A damaged catalogue gives no translation, never a crash. */
#ifndef TONGZHOU_HTTP_TEXT_H
#define TONGZHOU_HTTP_TEXT_H

#include "base/span.h"

/* The translation of `english` in a catalogue, or NULL. With plural forms (of a language that has but one): that form. */
const char *text_lookup(struct span catalogue, const char *english);

/* In the catalogue compiled in for `lang`, or `english` itself. */
const char *text_translate(const char *lang, const char *english);

#endif
