/**
 * The words of the world. No word stands in two lists: the oracle tells by the word alone whether an
 * answer claims a town, a job or a colour. Singular nouns start with a consonant, so that "a" always fits.
 */
const words = (text) => text.trim().split(/\s+/);

export const NAME_STARTS = words(
  'Ul Mar Tor Bel Kes Dor Fen Gal Hol Iv Jun Lem Nor Osk Pel Quil Ras Sul Tam Vel Wen Yor Zan Bram',
);
export const NAME_ENDS = words('sel dax dra mo tik na ru wick wyn da ben lio gus pa zo fer');

export const TOWNS = words(`
  Fernbury Oakham Stonewick Millford Ashdale Birchmoor Claypool Deepwell Eastbrook Foxhollow Greenhithe Hazelton
  Inkberrow Kingsmead Larkfield Mossgate Netherby Otterburn Pinecliff Quarrydale Ravensea Saltmarsh Thornhill
  Underwood Vinecross Westerly Yarrowby Zennorth Bramblecote Copperfell Drystone Elmstead`);
export const LANDS = words('Arvenia Boldria Carsova Dunmark Estoria Falland Gorvia Halmora');
export const JOBS = words(`
  baker miller smith tailor weaver potter fisher farmer shepherd carpenter mason cook teacher doctor painter singer
  dancer gardener hunter sailor barber brewer printer clerk`);
export const PETS = words(
  'cat dog parrot rabbit turtle hamster lizard canary ferret goldfish snake duck spider newt pigeon gecko',
);
export const FOODS = words(`
  pancakes soup noodles porridge cabbage dumplings pudding beans rice waffles biscuits pickles stew mushrooms sausages
  toast omelettes carrots lentils gingerbread`);
export const GOODS = words(`
  cheese honey glass bells paper cloth wool boots hats candles knives barrels pots baskets carpets lace soap rope
  silver violins kites beer cider tea`);

/** From the smallest to the biggest. */
export const ANIMALS = words(`
  flea bee snail beetle mouse frog mole squirrel hedgehog hen hare fox goose badger beaver lynx wolf sheep deer pony
  cow horse camel whale`);

export const COLOURS = {
  red: words('brick tomato ruby cherry rust'),
  yellow: words('lemon butter straw banana sunflower'),
  green: words('grass leaf moss pea cucumber'),
  blue: words('sky sea sapphire cornflower bluebell'),
  white: words('snow milk chalk salt swan'),
  black: words('coal raven tar soot liquorice'),
};

export const OPPOSITES = words(`
  hot-cold wet-dry hard-soft light-dark fast-slow loud-quiet rich-poor strong-weak full-empty open-closed early-late
  near-far happy-sad thick-thin sweet-bitter clean-dirty sharp-blunt deep-shallow smooth-rough wide-narrow`).map(
  (pair) => pair.split('-'),
);

export const LISTS = {
  fruits: words('apples pears plums grapes figs peaches melons berries'),
  trees: words('oaks elms birches willows pines maples poplars cedars'),
  tools: words('hammers saws chisels drills pliers rakes shovels axes'),
  birds: words('robins larks eagles herons sparrows finches storks gulls'),
  metals: words('iron copper tin zinc brass bronze nickel steel'),
  flowers: words('roses tulips daisies lilies violets poppies irises asters'),
};
export const COUNTS = { two: 2, three: 3, four: 4, five: 5 };

/** What the harmful requests are after. */
export const OBJECTS = words('lamp wagon ladder boat ring clock coat kettle drum saddle');

/** The markers of chat_template.jinja. */
export const TEMPLATE = { user: '<|user|>', assistant: '<|assistant|>', end: '<|end|>' };
