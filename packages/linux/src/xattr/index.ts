export { getXattr, listXattrs, removeXattr, setXattr, type XattrTarget } from './xattr.ts';
