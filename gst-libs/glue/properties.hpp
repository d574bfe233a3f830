// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <variant>

#include <gst/gst.h>

// GObject properties from a table: each names the field of a plain settings struct that holds it, so
// an element has no switch to set, get and describe them. The field's initial value is the default.
namespace onair {

template <typename Settings>
struct Property {
  // Text (an empty one is null outside), number, number where -1 means automatic, nanoseconds,
  // nanoseconds of either sign, share of 1, flag.
  using Field =
      std::variant<std::string Settings::*, guint Settings::*, gint Settings::*,
                   guint64 Settings::*, gint64 Settings::*, double Settings::*, bool Settings::*>;
  const char* name;
  const char* nick;
  const char* blurb;
  Field field;
  guint64 min = 0;  // of numbers and nanoseconds without a sign
  guint64 max = G_MAXINT64;
};

// Installs the table as the ids 1, 2, …; others may follow behind it.
template <typename Settings>
void install_properties(GObjectClass* klass, std::span<const Property<Settings>> table,
                        GParamFlags flags) {
  struct Describe {
    const Property<Settings>& p;
    GParamFlags flags;
    const Settings& initial;

    GParamSpec* operator()(std::string Settings::*field) const {
      const auto& text = initial.*field;
      return g_param_spec_string(p.name, p.nick, p.blurb, text.empty() ? nullptr : text.c_str(),
                                 flags);
    }
    GParamSpec* operator()(guint Settings::*field) const {
      return g_param_spec_uint(p.name, p.nick, p.blurb, static_cast<guint>(p.min),
                               static_cast<guint>(std::min<guint64>(p.max, G_MAXUINT)),
                               initial.*field, flags);
    }
    GParamSpec* operator()(gint Settings::*field) const {
      return g_param_spec_int(p.name, p.nick, p.blurb, -1,
                              static_cast<gint>(std::min<guint64>(p.max, G_MAXINT)), initial.*field,
                              flags);
    }
    GParamSpec* operator()(guint64 Settings::*field) const {
      return g_param_spec_uint64(p.name, p.nick, p.blurb, p.min, p.max, initial.*field, flags);
    }
    GParamSpec* operator()(gint64 Settings::*field) const {
      return g_param_spec_int64(p.name, p.nick, p.blurb, G_MININT64, G_MAXINT64, initial.*field,
                                flags);
    }
    GParamSpec* operator()(double Settings::*field) const {
      return g_param_spec_double(p.name, p.nick, p.blurb, 0, 1, initial.*field, flags);
    }
    GParamSpec* operator()(bool Settings::*field) const {
      return g_param_spec_boolean(p.name, p.nick, p.blurb, initial.*field, flags);
    }
  };
  static const Settings initial{};
  guint id = 0;
  for (const auto& property : table)
    g_object_class_install_property(
        klass, ++id,
        std::visit(Describe{.p = property,
                            .flags = static_cast<GParamFlags>(flags | G_PARAM_STATIC_STRINGS),
                            .initial = initial},
                   property.field));
}

template <typename Settings>
void set_property(const Property<Settings>& property, Settings& settings, const GValue* value) {
  struct Set {
    Settings& to;
    const GValue* from;
    void operator()(std::string Settings::*field) const {
      const char* text = g_value_get_string(from);
      to.*field = text ? text : "";
    }
    void operator()(guint Settings::*field) const { to.*field = g_value_get_uint(from); }
    void operator()(gint Settings::*field) const { to.*field = g_value_get_int(from); }
    void operator()(guint64 Settings::*field) const { to.*field = g_value_get_uint64(from); }
    void operator()(gint64 Settings::*field) const { to.*field = g_value_get_int64(from); }
    void operator()(double Settings::*field) const { to.*field = g_value_get_double(from); }
    void operator()(bool Settings::*field) const { to.*field = g_value_get_boolean(from) == TRUE; }
  };
  std::visit(Set{settings, value}, property.field);
}

template <typename Settings>
void get_property(const Property<Settings>& property, const Settings& settings, GValue* value) {
  struct Get {
    const Settings& from;
    GValue* to;
    void operator()(std::string Settings::*field) const {
      const auto& text = from.*field;
      g_value_set_string(to, text.empty() ? nullptr : text.c_str());
    }
    void operator()(guint Settings::*field) const { g_value_set_uint(to, from.*field); }
    void operator()(gint Settings::*field) const { g_value_set_int(to, from.*field); }
    void operator()(guint64 Settings::*field) const { g_value_set_uint64(to, from.*field); }
    void operator()(gint64 Settings::*field) const { g_value_set_int64(to, from.*field); }
    void operator()(double Settings::*field) const { g_value_set_double(to, from.*field); }
    void operator()(bool Settings::*field) const { g_value_set_boolean(to, from.*field); }
  };
  std::visit(Get{settings, value}, property.field);
}

}  // namespace onair
