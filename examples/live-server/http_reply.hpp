// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <libsoup/soup.h>

#include "json_fields.hpp"

namespace live {

void set_header(SoupServerMessage* message, const char* name, const std::string& value);
void send_text(SoupServerMessage* message, unsigned status, const char* type,
               const std::string& text);
// Not for caches.
void send_json(SoupServerMessage* message, unsigned status, const Json& document);
// A sentence for a person.
void send_error(SoupServerMessage* message, unsigned status, const std::string& text);
// A web page or what belongs to it; 404 if there is none. Browsers ask each time whether it has changed.
void send_file(SoupServerMessage* message, const std::string& path);

}  // namespace live
