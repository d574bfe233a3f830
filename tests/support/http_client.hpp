// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onair::test {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
  unsigned status = 0;                         // 0: there was no response; `body` says why
  std::map<std::string, std::string> headers;  // names in lower case, values joined by ", "
  std::string body;

  // The value of a header, by its name in lower case; empty when it is absent.
  [[nodiscard]] std::string header(const std::string& name) const;
};

enum class BodyLength { Announced, Chunked };

// One request on a connection of its own; returns when the response is complete.
HttpResponse http_request(std::string_view method, const std::string& url,
                          const HttpHeaders& headers = {}, std::string_view body = {},
                          BodyLength length = BodyLength::Announced);

// Writes `bytes` to the server and hangs up without reading, as a client that dies does.
void http_send_and_hang_up(const std::string& host, unsigned port, std::string_view bytes);

}  // namespace onair::test
