//! A game's declared data survives the trip through codes and bytes, and nothing else does.

use proptest::prelude::*;
use tickwire_shared::{
    Choice, DecodeError, FieldKind, NetId, Protocol, Record, RecordSchema, Schema, Values,
    record::{decode_record, encode_record},
};

#[derive(Choice, Clone, Copy, PartialEq, Debug)]
enum Stance {
    Standing,
    Crouching,
    Lying,
}

#[derive(Record, Clone, PartialEq, Debug)]
struct Soldier {
    #[field(min = -1000, max = 1000)]
    position: [i32; 2],
    #[field(angle, bits = 10)]
    heading: u16,
    #[field(min = 0.0, max = 1.0, step = 0.25)]
    stamina: f32,
    stance: Stance,
    is_armed: bool,
    target: NetId,
    #[field(min = 1, max = 6)]
    wound: Option<u8>,
    #[field(max_len = 8)]
    name: String,
    #[field(min = 0, max = 500, max_len = 4)]
    path: Vec<u16>,
}

fn soldiers() -> impl Strategy<Value = Soldier> {
    (
        [-1000..=1000, -1000..=1000i32],
        0..1024u16,
        0..=4u8,
        prop_oneof![Just(Stance::Standing), Just(Stance::Crouching), Just(Stance::Lying)],
        any::<bool>(),
        any::<u32>().prop_map(NetId::from_bits),
        proptest::option::of(1..=6u8),
        "[a-zé]{0,4}",
        proptest::collection::vec(0..=500u16, 0..=4),
    )
        .prop_map(
            |(position, heading, quarters, stance, is_armed, target, wound, name, path)| {
                let stamina = f32::from(quarters) / 4.0;
                Soldier { position, heading, stamina, stance, is_armed, target, wound, name, path }
            },
        )
}

fn schema() -> RecordSchema {
    RecordSchema::of::<Soldier>()
}

fn private() -> Soldier {
    Soldier {
        position: [0, 0],
        heading: 0,
        stamina: 1.0,
        stance: Stance::Standing,
        is_armed: true,
        target: NetId::NONE,
        wound: None,
        name: String::from("Ryan"),
        path: Vec::new(),
    }
}

proptest! {
    #[test]
    fn values_on_their_grid_come_back_exactly(soldier in soldiers()) {
        let bytes = encode_record(&soldier, &schema());
        prop_assert_eq!(decode_record::<Soldier>(&bytes, &schema()), Ok(soldier));
    }

    #[test]
    fn any_bytes_end_in_a_value_inside_its_ranges_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..48)
    ) {
        if let Ok(soldier) = decode_record::<Soldier>(&bytes, &schema()) {
            prop_assert!(soldier.position.iter().all(|axis| (-1000..=1000).contains(axis)));
            prop_assert!(soldier.wound.is_none_or(|wound| (1..=6).contains(&wound)));
            prop_assert!(soldier.path.iter().all(|point| *point <= 500));
        }
    }
}

#[test]
fn a_value_off_its_grid_is_clamped_and_noticed() {
    let cases = [
        (f32::NAN, 0.0, "not a number reads as the code nearest to zero"),
        (f32::INFINITY, 1.0, "infinity reads as the greatest value"),
        (-3.0, 0.0, "too little reads as the least value"),
    ];
    for (stamina, expected, why) in cases {
        let mut values = Values::default();
        let schema = schema();
        let mut writer = tickwire_shared::FieldWriter::new(&schema, &mut values);
        Soldier { stamina, ..private() }.write(&mut writer);
        assert_ne!(writer.clamped(), 0, "{why}, and is counted");
        assert_eq!(values.to_record::<Soldier>(&schema).stamina, expected, "{why}");
    }
}

#[test]
fn text_is_cut_between_characters() {
    let soldier = Soldier { name: String::from("abcdefgé"), ..private() };
    let bytes = encode_record(&soldier, &schema());
    let back: Soldier = decode_record(&bytes, &schema()).expect("the record was encoded here");
    assert_eq!(back.name, "abcdefg", "é takes two bytes, and only one is left of eight");
}

#[test]
fn a_code_past_its_range_names_the_field() {
    let mut values = Values::of(&private(), &schema());
    // Lane 0 is the first axis: 2001 codes in 11 bits leave room for a lie.
    values.codes[0] = 2047;
    let bytes = values.encode(&schema());
    assert_eq!(Values::decode(&bytes, &schema()), Err(DecodeError::OutOfRange { field: 0 }));
}

#[test]
fn a_byte_too_many_is_refused() {
    let mut bytes = encode_record(&private(), &schema());
    bytes.push(0);
    assert_eq!(decode_record::<Soldier>(&bytes, &schema()), Err(DecodeError::Trailing(1)));
}

struct Skirmish;
impl Protocol for Skirmish {
    const NAME: &'static str = "skirmish";
    type Components = ();
    type Events = (Soldier,);
    type Input = Order;
    type Join = Order;
}

#[derive(Record, Clone, Default)]
struct Order {
    #[field(min = 0, max = 3)]
    gait: u8,
}

#[test]
fn the_protocol_hash_follows_every_declared_detail() {
    let mut schema = Schema::of::<Skirmish>();
    let hash = schema.hash();
    assert_eq!(Schema::of::<Skirmish>().hash(), hash, "the same declaration, the same hash");
    if let Some(FieldKind::Number(number)) =
        schema.input.fields.first_mut().map(|field| &mut field.kind)
    {
        number.code_max = 4;
    }
    assert_ne!(schema.hash(), hash, "one more value of one field is another protocol");
}
