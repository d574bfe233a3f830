// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_fields.hpp"

#include <algorithm>
#include <cmath>

namespace live {
namespace {

template <typename Names>
std::string one_of(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string{names[i]};
  return text;
}

// As others read it in a sentence, whatever somebody has called a field.
std::string shown_name(const std::string& name) {
  constexpr std::size_t kMost = 60;
  const bool is_plain =
      !name.empty() && name.size() <= kMost && std::all_of(name.begin(), name.end(), [](char c) {
        return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
               (c >= 'a' && c <= 'z');
      });
  return is_plain ? name : shown(Json(name));
}

}  // namespace

std::string WholeRange::text() const {
  return (step == 2 ? "an even number from " : "a whole number from ") + std::to_string(least) +
         " to " + std::to_string(most);
}

std::string Range::text() const {
  return "from " + shown(least) + " to " + shown(most) + " " + unit;
}

std::string shown(const Json& value) {
  constexpr std::size_t kMost = 60;
  auto text = value.dump(-1, ' ', true);  // ASCII, which can be cut anywhere
  if (text.size() > kMost)
    text = text.substr(0, kMost) + "...";
  return text;
}

std::string shown(double number) {
  constexpr double kWhole = 1e15;
  return number == std::trunc(number) && std::abs(number) < kWhole
             ? std::to_string(static_cast<long long>(number))
             : Json(number).dump();
}

JsonFields::JsonFields(const Json& object, std::string path, FieldError& error)
    : object_{object}, path_{std::move(path)}, error_{error} {
  if (!object_.is_object() && !error_)
    error_ = {path_, (path_.empty() ? "The body" : path_) + " is " + shown(object_) +
                         ", but must be an object."};
}

const Json* JsonFields::find(const char* name) {
  known_.emplace_back(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

void JsonFields::read(const char* name, const WholeRange& range, unsigned& to) {
  const auto* value = find(name);
  if (!value)
    return;
  const double number = value->is_number() ? value->get<double>() : -1;
  if (number < range.least || number > range.most || std::fmod(number, range.step) != 0)
    wrong(name, *value, range.text());
  else
    to = static_cast<unsigned>(number);
}

void JsonFields::read(const char* name, const Range& range, std::optional<double>& to) {
  const auto* value = find(name);
  if (!value)
    return;
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (number >= range.least && number <= range.most)
    to = number;
  else
    wrong(name, *value, range.text());
}

void JsonFields::read(const char* name, Words words, std::string& to) {
  const auto* value = find(name);
  if (!value)
    return;
  std::vector<const char*> allowed;
  for (const auto& [word, meaning] : words) {
    if (*value == word) {
      to = meaning;
      return;
    }
    allowed.push_back(word);
  }
  wrong(name, *value, one_of(allowed));
}

void JsonFields::read(const char* name, const TextRule& rule, std::string& to) {
  const auto* value = find(name);
  if (!value)
    return;
  if (const auto* text = value->get_ptr<const std::string*>(); text && rule.is_right(*text))
    to = *text;
  else
    wrong(name, *value, rule.text);
}

void JsonFields::read(const char* name, std::optional<bool>& to) {
  const auto* value = find(name);
  if (!value)
    return;
  if (value->is_boolean())
    to = value->get<bool>();
  else
    wrong(name, *value, "true or false");
}

void JsonFields::read(const char* name, bool& to) {
  std::optional<bool> given;
  read(name, given);
  to = given.value_or(to);
}

void JsonFields::require(const char* name, const WholeRange& range, unsigned& to) {
  miss(name, range.text());
  read(name, range, to);
}

void JsonFields::require(const char* name, const TextRule& rule, std::string& to) {
  miss(name, rule.text);
  read(name, rule, to);
}

void JsonFields::pass_over(const char* name, bool (*asks_for_nothing)(const Json&),
                           const char* allowed) {
  passed_over_.emplace_back(name);
  const auto found = object_.find(name);
  if (found != object_.end() && !asks_for_nothing(*found))
    wrong(name, *found, allowed);
}

void JsonFields::end() {
  if (!object_.is_object())
    return;
  const auto knows = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [name, value] : object_.items())
    if (!knows(known_, name) && !knows(passed_over_, name))
      wrong(name, value, "left out: there is no such field, only " + one_of(known_));
}

std::string JsonFields::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void JsonFields::miss(const char* name, const std::string& allowed) {
  if (object_.is_object() && !object_.contains(name) && !error_)
    error_ = {path_of(name), path_of(name) + " is missing; it must be " + allowed + "."};
}

void JsonFields::wrong(const std::string& name, const Json& value, const std::string& allowed) {
  const auto path = path_of(shown_name(name));
  if (!error_)
    error_ = {path, path + " is " + shown(value) + ", but must be " + allowed + "."};
}

}  // namespace live
