// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json_text.hpp"

namespace live {

struct WholeRange {
  unsigned least;
  unsigned most;
  unsigned step = 1;
  [[nodiscard]] std::string text() const;
};

struct Range {
  double least;
  double most;
  const char* unit;
  [[nodiscard]] std::string text() const;
};

// What is written, and what that means.
using Words = std::span<const std::pair<const char*, const char*>>;

struct TextRule {
  bool (*is_right)(std::string_view);
  const char* text;
};

// As it was written, but no more of it than fits a sentence.
std::string shown(const Json& value);
// As a person writes it.
std::string shown(double number);

// The first mistake in what was sent, if any: the path of the field, empty where it is about all of
// it, and a sentence that names it, what was given and what is allowed.
struct FieldError {
  std::string field;
  std::string sentence;
  explicit operator bool() const { return !sentence.empty(); }
  friend bool operator==(const FieldError&, const FieldError&) = default;
};

// The fields of one object of JSON that somebody has sent.
class JsonFields {
 public:
  // `path` is empty for the body itself.
  JsonFields(const Json& object, std::string path, FieldError& error);

  // Nothing where there is no such field.
  const Json* find(const char* name);
  // What is left out stays as it is.
  void read(const char* name, const WholeRange& range, unsigned& to);
  void read(const char* name, const Range& range, std::optional<double>& to);
  void read(const char* name, Words words, std::string& to);
  void read(const char* name, const TextRule& rule, std::string& to);
  void read(const char* name, std::optional<bool>& to);
  void read(const char* name, bool& to);
  void require(const char* name, const WholeRange& range, unsigned& to);
  void require(const char* name, const TextRule& rule, std::string& to);
  // What others know and we don't: right only where it asks for nothing.
  void pass_over(const char* name, bool (*asks_for_nothing)(const Json&), const char* allowed);
  // Behind all the others: what nobody has asked for is a mistake.
  void end();

  [[nodiscard]] std::string path_of(const std::string& name) const;
  void miss(const char* name, const std::string& allowed);

 private:
  void wrong(const std::string& name, const Json& value, const std::string& allowed);

  const Json& object_;
  const std::string path_;
  FieldError& error_;
  std::vector<std::string> known_;
  std::vector<std::string> passed_over_;
};

}  // namespace live
