// What the router needs of the language's library and njs 0.7 lacks. Only as
// much as it needs: keys are strings and numbers.

/** A Map in order of insertion. */
class SmallMap {
  /** @param {Iterable<[string | number, any]>} [entries] */
  constructor(entries) {
    /** @type {Record<string, number>} */
    this.places = Object.create(null);
    /** @type {([string | number, any] | undefined)[]} */
    this.list = [];
    this.size = 0;
    for (const [key, value] of entries ?? []) this.set(key, value);
  }

  /** @param {string | number} key */
  place(key) {
    return this.places[typeof key + key] ?? -1;
  }

  /** @param {string | number} key */
  get(key) {
    return this.list[this.place(key)]?.[1];
  }

  /** @param {string | number} key */
  has(key) {
    return this.place(key) >= 0;
  }

  /**
   * @param {string | number} key
   * @param {any} value
   */
  set(key, value) {
    const at = this.place(key);
    if (at >= 0) {
      this.list[at] = [key, value];
      return this;
    }
    this.places[typeof key + key] = this.list.length;
    this.list.push([key, value]);
    this.size++;
    return this;
  }

  /** @param {string | number} key */
  delete(key) {
    const at = this.place(key);
    if (at < 0) return false;
    this.list[at] = undefined;
    delete this.places[typeof key + key];
    this.size--;
    return true;
  }

  entries() {
    return /** @type {[string | number, any][]} */ (this.list.filter((e) => e !== undefined));
  }

  keys() {
    return this.entries().map((e) => e[0]);
  }

  values() {
    return this.entries().map((e) => e[1]);
  }

  /** @param {(value: any, key: string | number) => void} fn */
  forEach(fn) {
    this.entries().forEach((e) => fn(e[1], e[0]));
  }

  [Symbol.iterator]() {
    return this.entries()[Symbol.iterator]();
  }
}

/** A Set that can be asked. */
class SmallSet {
  /** @param {Iterable<string | number>} [values] */
  constructor(values) {
    this.map = new SmallMap();
    for (const v of values ?? []) this.add(v);
  }

  /** @param {string | number} value */
  add(value) {
    this.map.set(value, true);
    return this;
  }

  /** @param {string | number} value */
  has(value) {
    return this.map.has(value);
  }
}

/**
 * An Error that lowered classes can extend: the language's own, called as they
 * call it, makes another object.
 * @this {Error}
 * @param {string} message
 */
function SmallError(message) {
  this.message = message;
}
SmallError.prototype = Error.prototype;

export { SmallError as Error, SmallMap as Map, SmallSet as Set };

/**
 * @param {object} prototype
 * @param {string} name
 * @param {Function} value
 */
function lend(prototype, name, value) {
  if (!(name in prototype)) Object.defineProperty(prototype, name, { value });
}

lend(
  String.prototype,
  "replaceAll",
  /**
   * @this {string}
   * @param {string} text
   * @param {string} by
   */
  function (text, by) {
    return this.split(text).join(by);
  },
);
lend(
  Array.prototype,
  "flatMap",
  /**
   * @this {any[]}
   * @param {(value: any, i: number) => any} fn
   */
  function (fn) {
    return [].concat(...this.map(fn));
  },
);
