//! Links between executions, in the form in which Nexus carries them: a URL and a type.

use temporalio_protos::temporal::api::{
    common::v1::{Link, link},
    enums::v1::EventType,
    nexus::v1::Link as NexusLink,
};

const WORKFLOW_EVENT: &str = "temporal.api.common.v1.Link.WorkflowEvent";
const NEXUS_OPERATION: &str = "temporal.api.common.v1.Link.NexusOperation";

/// The link of Nexus that says the same; `None` for a kind that has no such form.
pub fn to_nexus(link: &Link) -> Option<NexusLink> {
    match link.variant.as_ref()? {
        link::Variant::WorkflowEvent(event) => event_to_nexus(event),
        link::Variant::NexusOperation(operation) => {
            let (namespace, id) = (escape(&operation.namespace), escape(&operation.operation_id));
            let run = escape(&operation.run_id);
            let url = format!("temporal:///namespaces/{namespace}/nexus-operations/{id}/{run}/details");
            Some(NexusLink { url, r#type: NEXUS_OPERATION.to_owned() })
        }
        _ => None,
    }
}

fn event_to_nexus(event: &link::WorkflowEvent) -> Option<NexusLink> {
    use link::workflow_event::Reference::*;
    let query = match event.reference.as_ref()? {
        EventRef(reference) => {
            let id = if reference.event_id > 0 { format!("eventID={}&", reference.event_id) } else { String::new() };
            format!("{id}eventType={}&referenceType=EventReference", event_name(reference.event_type()))
        }
        RequestIdRef(reference) => format!(
            "eventType={}&referenceType=RequestIdReference&requestID={}",
            event_name(reference.event_type()),
            escape(&reference.request_id)
        ),
    };
    let (namespace, id, run) = (escape(&event.namespace), escape(&event.workflow_id), escape(&event.run_id));
    let url = format!("temporal:///namespaces/{namespace}/workflows/{id}/{run}/history?{query}");
    Some(NexusLink { url, r#type: WORKFLOW_EVENT.to_owned() })
}

/// The links that say the same; those that are of no known kind or malformed are left out, since nothing rests on them.
pub fn from_nexus(links: &[NexusLink]) -> Vec<Link> {
    links.iter().filter_map(parse).collect()
}

fn parse(link: &NexusLink) -> Option<Link> {
    let rest = link.url.strip_prefix("temporal://")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let parts: Vec<String> = path.trim_start_matches('/').split('/').map(unescape).collect::<Option<_>>()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (link.r#type.as_str(), parts.as_slice()) {
        (WORKFLOW_EVENT, ["namespaces", namespace, "workflows", workflow_id, run_id, "history"]) => {
            event(namespace, workflow_id, run_id, query)
        }
        (NEXUS_OPERATION, ["namespaces", namespace, "nexus-operations", operation_id, run_id, "details"]) => {
            let operation = link::NexusOperation {
                namespace: (*namespace).to_owned(),
                operation_id: (*operation_id).to_owned(),
                run_id: (*run_id).to_owned(),
            };
            Some(Link { variant: Some(link::Variant::NexusOperation(operation)) })
        }
        _ => None,
    }
}

fn event(namespace: &str, workflow_id: &str, run_id: &str, query: &str) -> Option<Link> {
    let field = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .and_then(|(_, v)| unescape(v))
    };
    let event_type = event_type(&field("eventType")?)? as i32;
    use link::workflow_event::{EventReference, Reference, RequestIdReference};
    let reference = match field("referenceType")?.as_str() {
        "EventReference" => {
            let event_id = field("eventID").map_or(Some(0), |id| id.parse().ok())?;
            Reference::EventRef(EventReference { event_id, event_type })
        }
        "RequestIdReference" => {
            let request_id = field("requestID").unwrap_or_default();
            Reference::RequestIdRef(RequestIdReference { request_id, event_type })
        }
        _ => return None,
    };
    Some(Link {
        variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
            namespace: namespace.to_owned(),
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            reference: Some(reference),
        })),
    })
}

/// `EVENT_TYPE_NEXUS_OPERATION_SCHEDULED` as `NexusOperationScheduled`.
fn event_name(event_type: EventType) -> String {
    let name = event_type.as_str_name().trim_start_matches("EVENT_TYPE_");
    name.split('_')
        .filter(|word| !word.is_empty())
        .map(|word| word[..1].to_owned() + &word[1..].to_lowercase())
        .collect()
}

fn event_type(name: &str) -> Option<EventType> {
    let mut upper = String::from("EVENT_TYPE");
    if name.starts_with("EVENT_TYPE_") {
        return EventType::from_str_name(name);
    }
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            upper.push('_');
        }
        upper.push(letter.to_ascii_uppercase());
    }
    EventType::from_str_name(&upper)
}

fn escape(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~$&+=:@".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The text that an escaped part of a URL stands for; `None` where it is escaped wrongly.
pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use link::workflow_event::{EventReference, Reference, RequestIdReference};

    fn link(workflow_id: &str, reference: Reference) -> Link {
        Link {
            variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
                namespace: "default".into(),
                workflow_id: workflow_id.into(),
                run_id: "run".into(),
                reference: Some(reference),
            })),
        }
    }

    #[test]
    fn links_survive_the_round_trip() {
        let event_type = EventType::NexusOperationScheduled as i32;
        let event = link("a/b c%ö", Reference::EventRef(EventReference { event_id: 5, event_type }));
        let nexus = to_nexus(&event).unwrap();
        assert_eq!(
            nexus.url,
            "temporal:///namespaces/default/workflows/a%2Fb%20c%25%C3%B6/run/history\
             ?eventID=5&eventType=NexusOperationScheduled&referenceType=EventReference"
        );
        let request = link("w", Reference::RequestIdRef(RequestIdReference { request_id: "r".into(), event_type }));
        let both = [nexus, to_nexus(&request).unwrap()];
        assert_eq!(from_nexus(&both), [event, request]);
    }

    #[test]
    fn links_to_operations_survive_the_round_trip() {
        let operation =
            link::NexusOperation { namespace: "default".into(), operation_id: "a b".into(), run_id: "run".into() };
        let link = Link { variant: Some(link::Variant::NexusOperation(operation)) };
        let nexus = to_nexus(&link).unwrap();
        assert_eq!(nexus.url, "temporal:///namespaces/default/nexus-operations/a%20b/run/details");
        assert_eq!(from_nexus(&[nexus]), [link]);
    }

    #[test]
    fn what_is_no_link_is_left_out() {
        let of = |url: &str| NexusLink { url: url.into(), r#type: WORKFLOW_EVENT.into() };
        for url in
            ["", "temporal:///namespaces/a", "http://a/b?c=d", "temporal:///namespaces/n/workflows/w/r/history?%"]
        {
            assert_eq!(from_nexus(&[of(url)]), []);
        }
    }
}
