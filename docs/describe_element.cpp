// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Prints pads, properties and signals of an element as Markdown, from the element itself. The output
// is the same with every version of GStreamer, so that committed pages can be compared.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace {

using onair::GMemory;
using onair::GstPtr;

std::string value_text(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value))
    return g_value_get_string(value) ? std::string{"\""} + g_value_get_string(value) + "\""
                                     : "unset";
  if (G_VALUE_HOLDS_BOXED(value) && !g_value_get_boxed(value))
    return "unset";
  const GMemory<char> text{gst_value_serialize(value)};
  return text ? text.get() : "none";
}

std::string range_text(const GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_UINT(spec)) {
    const auto* number = G_PARAM_SPEC_UINT(spec);
    return std::to_string(number->minimum) + " … " + std::to_string(number->maximum);
  }
  if (G_IS_PARAM_SPEC_UINT64(spec)) {
    const auto* number = G_PARAM_SPEC_UINT64(spec);
    return std::to_string(number->minimum) + " … " + std::to_string(number->maximum);
  }
  return {};
}

void print_pads(GstElementFactory* factory) {
  std::vector<GstStaticPadTemplate*> pads;
  for (const GList* item = gst_element_factory_get_static_pad_templates(factory); item;
       item = item->next)
    pads.push_back(static_cast<GstStaticPadTemplate*>(item->data));
  if (pads.empty())
    return;
  std::puts("\n## Pads\n");
  // Their order depends on whether the registry was fresh.
  std::sort(pads.begin(), pads.end(), [](const auto* a, const auto* b) {
    return g_strcmp0(a->name_template, b->name_template) < 0;
  });
  for (const auto* pad : pads) {
    constexpr const char* kPresence[] = {"always", "sometimes", "on request"};
    const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(pad->static_caps.string));
    const GMemory<char> text{gst_caps_to_string(caps.get())};
    std::printf("- `%s` (%s, %s): `%s`\n", pad->name_template,
                pad->direction == GST_PAD_SRC ? "source" : "sink", kPresence[pad->presence],
                text.get());
  }
}

void print_properties(GObjectClass* klass, GType type) {
  guint count = 0;
  const GMemory<GParamSpec*> list{g_object_class_list_properties(klass, &count)};
  std::vector<GParamSpec*> own;
  std::copy_if(list.get(), list.get() + count, std::back_inserter(own),
               [type](const GParamSpec* spec) { return spec->owner_type == type; });
  std::sort(own.begin(), own.end(), [](const GParamSpec* a, const GParamSpec* b) {
    return g_strcmp0(a->name, b->name) < 0;
  });
  if (!own.empty())
    std::puts("\n## Properties\n");
  for (auto* spec : own) {
    std::printf(
        "- **`%s`** (%s%s%s): %s.", spec->name, g_type_name(spec->value_type),
        (spec->flags & G_PARAM_WRITABLE) != 0 ? "" : ", read-only",
        (spec->flags & GST_PARAM_MUTABLE_READY) != 0 ? ", changeable in NULL and READY" : "",
        g_param_spec_get_blurb(spec));
    if ((spec->flags & G_PARAM_WRITABLE) != 0) {
      std::printf(" Default: %s.", value_text(g_param_spec_get_default_value(spec)).c_str());
      if (const auto range = range_text(spec); !range.empty())
        std::printf(" Range: %s.", range.c_str());
    }
    std::puts("");
  }
}

void print_signals(GType type) {
  guint count = 0;
  const GMemory<guint> ids{g_signal_list_ids(type, &count)};
  if (count > 0)
    std::puts("\n## Signals\n");
  for (guint i = 0; i < count; ++i) {
    GSignalQuery query;
    g_signal_query(ids.get()[i], &query);
    std::printf("- **`%s`**%s: %s (", query.signal_name,
                (query.signal_flags & G_SIGNAL_ACTION) != 0 ? " (action)" : "",
                g_type_name(query.return_type));
    for (guint k = 0; k < query.n_params; ++k)
      std::printf("%s%s", k ? ", " : "", g_type_name(query.param_types[k]));
    std::puts(")");
  }
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s ELEMENT\n", argv[0]);
    return 2;
  }
  auto factory = GstPtr<GstElementFactory>::adopt(gst_element_factory_find(argv[1]));
  if (factory)
    factory = GstPtr<GstElementFactory>::adopt(
        GST_ELEMENT_FACTORY(gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory.get()))));
  if (!factory) {
    std::fprintf(stderr, "there is no element %s\n", argv[1]);
    return 1;
  }
  const GType type = gst_element_factory_get_element_type(factory.get());
  auto* klass = static_cast<GObjectClass*>(g_type_class_ref(type));
  print_pads(factory.get());
  print_properties(klass, type);
  print_signals(type);
  g_type_class_unref(klass);
  return 0;
}
