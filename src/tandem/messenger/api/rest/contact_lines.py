"""ContactDto of a page's line: the same as of one contact, made without a step that is not needed."""

from collections.abc import Mapping
from hashlib import sha256

from tandem.messenger.api.rest.wire import Json
from tandem.messenger.contacts.domain import ContactLine


def contact_line(line: ContactLine, list_id: int, names: Mapping[str, str]) -> Json:
    """ContactDto. names: attribute id as text -> name."""
    (
        pk, original_id, email, mobile, first_name, middle_name, last_name, title, date_of_birth, city, zip_code,
        country, sex, mobile_valid, unsubscribed, mobile_unsubscribed, audio_unsubscribed, bounced, mobile_bounced,
        active, content_version, opt_out_at, opt_out_mobile_at, opt_out_audio_at, invalidated_at, blocked_until,
        created_at, modified_at, properties,
    ) = line  # fmt: skip
    hashed = int.from_bytes(sha256(original_id.encode()).digest()[:6], "big")
    return {
        "id": pk,
        "listId": list_id,
        "originalId": original_id,
        "emailAddress": email,
        "mobileNumber": mobile,
        "firstName": first_name,
        "middleName": middle_name,
        "lastName": last_name,
        "title": title,
        "dateOfBirth": date_of_birth,
        "city": city,
        "zipCode": zip_code,
        "country": country,
        "sex": sex,
        "zipcode": zip_code,
        "originalIdHashed": hashed,
        "originalIDHashed": hashed,
        "unsubscribed": unsubscribed,
        "bounced": bounced,
        "mobileUnsubscribed": mobile_unsubscribed,
        "audioUnsubscribed": audio_unsubscribed,
        "mobileBounced": mobile_bounced,
        "preferredContentVersionId": content_version,
        "optOutDate": opt_out_at,
        "dateOfInvalidation": invalidated_at,
        "optOutMobileDate": opt_out_mobile_at,
        "optOutAudioDate": opt_out_audio_at,
        "active": active,
        "dateCreated": created_at,
        "dateModified": modified_at,
        "blockedUntil": blocked_until,
        "mobileNumberValid": mobile_valid,
        "deviceInfo": [],
        "properties": properties,
        "namedProperties": {names[key]: value for key, value in properties.items() if key in names},
    }
