"""The same resources as a configuration of Terraform, in its JSON form (`main.tf.json`).

Resource types and arguments are those of the provider aliyun/alicloud 1.2xx, registry documentation pages
``oss_bucket``, ``message_service_topic``, ``message_service_queue``, ``message_service_subscription``,
``ram_role``, ``ram_policy`` and ``ram_role_policy_attachment``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from cli.provision.buckets import BucketResource
from cli.provision.channels import RETENTION_S, VISIBILITY_S, Queue, Subscription, Topic
from cli.provision.resources import Resource
from cli.provision.roles import TRUST, RoleResource
from shared.clouds.messages import MAX_BODY_BYTES

_PROVIDER = {"source": "aliyun/alicloud", "version": ">= 1.230"}


def document(resources: Iterable[Resource], region: str) -> dict[str, Any]:
    """The configuration. Account and keys come from Terraform's own environment."""
    made: dict[str, dict[str, Any]] = {}
    for resource in resources:
        for kind, body in _blocks(resource):
            made.setdefault(kind, {})[_label(resource.name)] = body
    return {
        "terraform": {"required_providers": {"alicloud": _PROVIDER}},
        "provider": {"alicloud": {"region": region}},
        "resource": made,
    }


def _blocks(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    match resource:
        case BucketResource():
            access = {"bucket": resource.name, "block_public_access": not resource.has_public_objects}
            return [("alicloud_oss_bucket", _bucket(resource)), ("alicloud_oss_bucket_public_access_block", access)]
        case Topic():
            return [
                (
                    "alicloud_message_service_topic",
                    {"topic_name": resource.name, "max_message_size": MAX_BODY_BYTES},
                )
            ]
        case Queue():
            return [
                (
                    "alicloud_message_service_queue",
                    {
                        "queue_name": resource.name,
                        "maximum_message_size": MAX_BODY_BYTES,
                        "message_retention_period": RETENTION_S,
                        "visibility_timeout": VISIBILITY_S,
                    },
                )
            ]
        case Subscription():
            return [
                (
                    "alicloud_message_service_subscription",
                    {
                        "topic_name": resource.topic,
                        "subscription_name": resource.name,
                        "endpoint": resource.endpoint,
                        "push_type": "queue",
                        "notify_content_format": resource.wanted["format"],
                        "notify_strategy": resource.wanted["retries"],
                    },
                )
            ]
        case RoleResource():
            return _role(resource)
    raise TypeError(f"no Terraform for a {resource.kind}")


def _bucket(resource: BucketResource) -> dict[str, Any]:
    return {
        "bucket": resource.name,
        "server_side_encryption_rule": [{"sse_algorithm": "AES256"}],
        "lifecycle_rule": [
            {"id": each.rule_id, "prefix": each.prefix, "enabled": True, "expiration": [{"days": each.days}]}
            for each in resource.retentions
            if each.days is not None
        ],
        # Journeys, pictures, renders: never by an apply.
        "lifecycle": {"prevent_destroy": True},
    }


def _role(resource: RoleResource) -> list[tuple[str, dict[str, Any]]]:
    label = _label(resource.name)
    return [
        ("alicloud_ram_role", {"role_name": resource.name, "assume_role_policy_document": json.dumps(TRUST)}),
        ("alicloud_ram_policy", {"policy_name": resource.name, "policy_document": resource.policy.decode()}),
        (
            "alicloud_ram_role_policy_attachment",
            {
                "policy_name": f"${{alicloud_ram_policy.{label}.policy_name}}",
                "policy_type": "Custom",
                "role_name": f"${{alicloud_ram_role.{label}.role_name}}",
            },
        ),
    ]


def _label(name: str) -> str:
    """A name of the configuration: letters, digits and underscores."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
