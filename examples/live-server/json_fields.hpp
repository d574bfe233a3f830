// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace live {

// In their order, so that of several mistakes the first one is named.
using Json = nlohmann::ordered_json;

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

// As it was written, but no more of it than fits a sentence.
std::string shown(const Json& value);
// As a person writes it.
std::string shown(double number);

// The fields of one object of JSON that somebody has sent. The first mistake stays, in `error`: a sentence that names
// the field by its path, what was given and what is allowed.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string path, std::string& error);

  // Nothing where there is no such field.
  const Json* find(const char* name);
  // What is left out stays as it is.
  void read(const char* name, const WholeRange& range, unsigned& to);
  void read(const char* name, const Range& range, std::optional<double>& to);
  void read(const char* name, Words words, std::string& to);
  void read(const char* name, bool& to);
  void require(const char* name, const WholeRange& range, unsigned& to);
  // Behind all the others: what nobody has asked for is a mistake.
  void end();

  [[nodiscard]] std::string path_of(const char* name) const { return path_ + "." + name; }

 private:
  void wrong(const std::string& name, const Json& value, const std::string& allowed);
  void say(std::string sentence);

  const Json& object_;
  const std::string path_;
  std::string& error_;
  std::vector<std::string> known_;
};

}  // namespace live
