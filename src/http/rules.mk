# Files that are compiled in: web/* as they are, po/*.po as gettext catalogues.
$(BUILD)/gen/%.mo: po/%.po
	@mkdir -p $(@D)
	@$(if $(V),,echo "  PO   $<")
	$(Q)msgfmt --check -o $@ $<

$(BUILD)/obj/http/assets.c.o: CPPFLAGS += -DASSET_MO_ZH_HANS='"$(BUILD)/gen/zh-Hans.mo"'
$(BUILD)/obj/http/assets.c.o: $(BUILD)/gen/zh-Hans.mo web/style.css web/app.js web/icon.svg

# Texts of the pages: TR, TRN and TR_MARK in the sources -> po/tongzhou.pot -> merged into every po/*.po.
PO_SOURCES = $(sort $(wildcard src/http/*.c src/*/page*.c src/*/routes*.c src/state/notice_words.c src/tell/letter.c src/connect/preview_words.c src/connect/publish_form.c src/moderation/trial_tally.c))
.PHONY: po
po:
	po/extract $(PO_SOURCES) > po/tongzhou.pot
	for po in po/*.po; do \
	    msgmerge --quiet --update --backup=none --no-fuzzy-matching --no-wrap --sort-output $$po po/tongzhou.pot; done
