// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <libsoup/soup.h>

namespace live {

// The web pages and what belongs to them, from a folder.
class Pages {
 public:
  explicit Pages(std::string folder) : folder_{std::move(folder)} {}

  // The page of this name.
  void send(SoupServerMessage* message, const std::string& name) const;
  // What lies below /assets/. Whether `path` does.
  [[nodiscard]] bool answer(SoupServerMessage* message, const std::string& path) const;

 private:
  std::string folder_;
};

// For pages of any site: headers that all answers have. Whether that was all that was asked for (OPTIONS), or the method
// is none of GET and HEAD, which is answered.
[[nodiscard]] bool answer_to_method(SoupServerMessage* message);

}  // namespace live
