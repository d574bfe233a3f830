// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_text.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace live {
namespace {

constexpr std::size_t kDeepest = 32;     // JSON is written out by recursion
constexpr std::size_t kMostFields = 64;  // of an object; finding one of them costs their number
constexpr std::size_t kLongestReason = 200;

struct Refused {
  std::string sentence;
};

// Stands beside the parser.
class Watch {
 public:
  explicit Watch(const std::string& name) : name_{name} {}

  bool operator()(int, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      open_.emplace_back();
      if (open_.size() > kDeepest)
        throw Refused{name_ + " is nested more than " + std::to_string(kDeepest) + " deep."};
    } else if (event == Event::object_end || event == Event::array_end) {
      open_.pop_back();
    } else if (event == Event::key) {
      on_field(parsed.get_ref<const std::string&>());
    }
    return true;
  }

 private:
  void on_field(const std::string& field) {
    constexpr std::size_t kLongest = 60;
    auto& fields = open_.back();
    if (!fields.insert(field).second)
      throw Refused{name_ + " has the field " +
                    Json(field).dump(-1, ' ', true).substr(0, kLongest) + " twice."};
    if (fields.size() > kMostFields)
      throw Refused{name_ + " has an object of more than " + std::to_string(kMostFields) +
                    " fields."};
  }

  const std::string& name_;
  std::vector<std::set<std::string>> open_;
};

// It quotes what could not be read, which may be anything.
std::string reason(std::string_view what) {
  what.remove_prefix(what.find("] ") + 2);  // "[json.exception…] parse error at line 1, …"
  std::string text{what.substr(0, kLongestReason)};
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

std::variant<Json, std::string> parse_json(std::string_view text, const std::string& name) {
  try {
    return Json::parse(
        text, [watch = Watch{name}](int depth, Json::parse_event_t event, Json& parsed) mutable {
          return watch(depth, event, parsed);
        });
  } catch (const Refused& refused) {
    return refused.sentence;
  } catch (const Json::exception& error) {
    return name + " is no JSON: " + reason(error.what()) + ".";
  }
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace live
