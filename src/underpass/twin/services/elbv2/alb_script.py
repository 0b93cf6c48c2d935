"""What Envoy has no setting for, in Lua: versions that do not agree, stickiness by an application's cookie.

Each route tells the script of its target group (``metadata``).

A request in a version that the targets do not speak is answered 464.
Source: elasticloadbalancing/latest/application/load-balancer-troubleshooting.

With application-based stickiness the ALB's cookie, which Envoy's own filter reads and writes, follows the
application's: it counts in a request that has both, and is set in an answer that sets the application's, or
to a request that had both. Source: elasticloadbalancing/latest/application/sticky-sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from underpass.twin.services.elbv2.model import TargetGroup

Json = dict[str, Any]
NAME = "envoy.filters.http.lua"
FOLLOWING = "AWSALBAPP-0"
"""The ALB's cookie beside an application's."""

_TYPE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
_SCRIPT = """
local FOLLOWING = "AWSALBAPP-0"

local function names(cookies)
  local found, rest = {}, {}
  for part in string.gmatch(cookies or "", "[^;]+") do
    local name = string.match(part, "^%s*([^=]*)")
    found[name] = true
    if name ~= FOLLOWING then rest[#rest + 1] = string.match(part, "^%s*(.*)") end
  end
  return found, table.concat(rest, "; ")
end

local function incompatible(handle, version)
  local headers, protocol = handle:headers(), handle:streamInfo():protocol()
  local grpc = string.find(headers:get("content-type") or "", "^application/grpc") ~= nil
  if version == "HTTP1" then return grpc and protocol == "HTTP/2" end
  if protocol ~= "HTTP/2" then return true end
  return version == "GRPC" and headers:get(":method") ~= "POST"
end

function envoy_on_request(handle)
  local told = handle:metadata()
  local version, cookie = told:get("version"), told:get("cookie")
  if version and incompatible(handle, version) then
    handle:respond({[":status"] = "464", ["server"] = "awselb/2.0"}, "")
    return
  end
  if not cookie then return end
  local found, rest = names(handle:headers():get("cookie"))
  if found[cookie] and found[FOLLOWING] then
    handle:streamInfo():dynamicMetadata():set("underpass", "follows", true)
  elseif found[FOLLOWING] then
    if rest == "" then handle:headers():remove("cookie")
    else handle:headers():replace("cookie", rest) end
  end
end

function envoy_on_response(handle)
  local cookie = handle:metadata():get("cookie")
  if not cookie then return end
  local noted = handle:streamInfo():dynamicMetadata():get("underpass")
  local keep, kept = noted ~= nil and noted["follows"] == true, {}
  local headers = handle:headers()
  for number = 0, headers:getNumValues("set-cookie") - 1 do
    local text = headers:getAtIndex("set-cookie", number)
    local name = string.match(text, "^%s*([^=]*)")
    if name == cookie then keep = true end
    if name ~= FOLLOWING then kept[#kept + 1] = text end
  end
  if keep then return end
  headers:remove("set-cookie")
  for _, text in ipairs(kept) do headers:add("set-cookie", text) end
end
"""


def metadata(group: TargetGroup) -> Json:
    """Return the metadata of a route to a target group."""
    cookie = {"cookie": group.sticky_cookie} if group.sticky_cookie else {}
    return {"filter_metadata": {NAME: {"version": group.version, **cookie}}}


def script(groups: Iterable[TargetGroup], *, secure: bool) -> list[Json]:
    """Return the filter, before that of stickiness, where there is anything for it to do.

    Without TLS a listener speaks HTTP/1.1 only, and its targets do too.
    """
    if not secure and not any(group.sticky_cookie for group in groups):
        return []
    code = {"@type": _TYPE, "default_source_code": {"inline_string": _SCRIPT}}
    return [{"name": NAME, "typed_config": code}]
