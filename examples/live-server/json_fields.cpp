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

JsonFields::JsonFields(const Json& object, std::string path, std::string& error)
    : object_{object}, path_{std::move(path)}, error_{error} {
  if (!object_.is_object())
    say(path_ + " is " + shown(object_) + ", but must be an object.");
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

void JsonFields::read(const char* name, bool& to) {
  const auto* value = find(name);
  if (!value)
    return;
  if (value->is_boolean())
    to = value->get<bool>();
  else
    wrong(name, *value, "true or false");
}

void JsonFields::require(const char* name, const WholeRange& range, unsigned& to) {
  if (object_.is_object() && !object_.contains(name))
    say(path_ + "." + name + " is missing; it must be " + range.text() + ".");
  read(name, range, to);
}

void JsonFields::end() {
  if (!object_.is_object())
    return;
  for (const auto& [name, value] : object_.items())
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      wrong(name, value, "left out: there is no such field, only " + one_of(known_));
}

void JsonFields::wrong(const std::string& name, const Json& value, const std::string& allowed) {
  say(path_ + "." + name + " is " + shown(value) + ", but must be " + allowed + ".");
}

void JsonFields::say(std::string sentence) {
  if (error_.empty())
    error_ = std::move(sentence);
}

}  // namespace live
